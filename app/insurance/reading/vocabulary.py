"""Which printed labels mean which field: the vocabulary of the offline reader.

The law: one table. A field and how strongly its labels say so (1: plainly, 2: usually, 3: only if nothing better is
there), then the labels in lower case without accents; "#" stands for number, no., nr, n° and the like. The labels of
"-" name something we do not extract: they end the value before them and are never taken for one.
"""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """The field a label announces ('' for none of ours) and the rank of the label, 1 the strongest."""

    field: str
    rank: int


_TABLE = """
claim_number 1
    claim # | claim reference | claim reference # | claim ref | claim id | claim file # | insurance claim # |
    schadennummer | schaden-# | numero de sinistre | # de sinistre | # sinistre | reference sinistre
claim_number 2
    claim | file # | our claim
policy_number 1
    policy # | policy id | policy reference | insurance policy # | policy/certificate # | policennummer |
    versicherungsnummer | versicherungsschein-# | versicherungsscheinnummer | numero de police | # de police |
    numero de contrat | # de contrat | # contrat
policy_number 2
    policy | contract #
claimant 1
    claimant | claimant name | claimant's name | claimant full name | name of claimant | name of the claimant |
    claimed by | anspruchsteller | geschadigter | demandeur | reclamant
claimant 2
    vehicle owner | registered owner | owner | owner name | name of owner | customer | customer name | client |
    client name
insured 1
    insured | insured name | name of insured | name of the insured | named insured | policyholder |
    policy holder | policyholder name | name of policyholder | insured person | versicherungsnehmer | assure |
    nom de l'assure | souscripteur
date_of_loss 1
    date of loss | loss date | date of accident | accident date | date of incident | incident date |
    date of the accident | date of the loss | date of the incident | date of occurrence | date of collision |
    collision date | date of damage | date and time of loss | date and time of accident |
    date and time of incident | date/time of loss | date/time of accident | date/time of incident |
    loss date and time | crash date | date of crash | occurred on | when did it happen | schadentag |
    schadensdatum | unfalldatum | unfalltag | date du sinistre | date de l'accident
document_date 1
    invoice date | date of invoice | estimate date | date of estimate | report date | date of report |
    date issued | issue date | date of issue | bill date | document issued | document date | quote date |
    date prepared | prepared on | rechnungsdatum | date de facture | date de la facture | date d'emission |
    data wystawienia
document_date 3
    date | dated | datum
period 1
    policy period | period of insurance | insurance period | coverage period | period of cover | policy term |
    period of coverage | versicherungszeitraum | periode d'assurance
period_start 1
    effective date | policy effective date | policy start date | inception date | policy inception |
    commencement date | cover start date | start of cover | coverage start | versicherungsbeginn |
    date d'effet | start date | date cover starts
period_end 1
    expiry date | expiration date | policy expiry date | policy end date | policy expiration date |
    end of cover | coverage end | cover end date | versicherungsende | ablauf | date d'expiration |
    date d'echeance du contrat | end date | expires on
vin 1
    vin | vin # | vehicle identification # | vehicle identification # (vin) | chassis # | chassis |
    fahrgestellnummer | fin | fahrzeug-identifizierungsnummer | numero de chassis | # de chassis | # de serie |
    vehicle id
plate 1
    license plate | licence plate | license plate # | licence plate # | plate # | plate | registration plate |
    number plate | vehicle registration | registration # | vehicle registration # | reg # | registration mark |
    kennzeichen | amtliches kennzeichen | immatriculation | # d'immatriculation | plaque
plate 2
    registration
make 1
    make | vehicle make | manufacturer | marque | hersteller | fabrikat
model 1
    model | vehicle model | modele | modell
year 1
    year | model year | vehicle year | year of manufacture | baujahr | annee
vehicle 1
    vehicle | insured vehicle | vehicle description | year/make/model | year make model |
    vehicle (year/make/model) | make/model | make and model | make & model | fahrzeug | vehicule
police_report_number 1
    police report # | police report | police case # | police reference | police ref | police reference # |
    police incident # | crime reference # | crime reference | police file # | aktenzeichen |
    numero de proces-verbal | # de proces-verbal
police_report_number 2
    report # | incident # | case # | incident report # | accident report # | crash report # |
    collision report #
invoice_number 1
    invoice # | invoice | invoice id | bill # | estimate # | quote # | quotation # | facture # | # de facture |
    # facture | rechnungsnummer | rechnung # | rechnungs-# | faktura #
place 1
    place of loss | location of loss | loss location | place of accident | location of accident |
    accident location | place of incident | location of incident | incident location | scene |
    collision location | crash location | place of occurrence | where did it happen | unfallort | schadenort |
    lieu du sinistre | lieu de l'accident
place 2
    location | place | lieu | ort
description 1
    description of loss | description of accident | description of incident | description of the accident |
    accident description | description of the loss | description of the incident | loss description |
    incident description | description of events | narrative | officer's narrative | officer narrative |
    narrative summary | circumstances | circumstances of loss | circumstances of the accident | what happened |
    describe the accident | describe accident | describe what happened | describe the loss | how it happened |
    how did it happen | how did the accident happen | summary of events | statement of facts | cause of loss | unfallhergang |
    schadenhergang | circonstances
description 3
    description
damage 1
    damaged parts | parts damaged | damage list | list of damage | list of damages | damaged areas |
    areas of damage | areas damaged | damaged items | items damaged | visible damage | observed damage |
    damage observed | damage description | description of damage | description of damages | damage to vehicle |
    vehicle damage | damages | damage | damage noted | damaged components | schaden am fahrzeug |
    describe damage | describe the damage | describe damages | description of the damage | damage to the vehicle |
    damage to insured vehicle | damage to your vehicle | parts affected | affected parts | damaged parts of vehicle |
    beschadigte teile | dommages | dommages apparents | degats
amount_claimed 1
    amount claimed | claimed amount | total claimed | total amount claimed | amount of claim | claim amount |
    total claim | total claim amount | amount of loss claimed | claim total | amount being claimed |
    amount requested | schadenhohe | geltend gemachter betrag | montant reclame | montant demande
amount_claimed 2
    estimated loss | estimated amount of loss | amount of loss | estimated amount | loss amount |
    estimated damage
deductible 1
    deductible | policy deductible | excess | policy excess | selbstbeteiligung | selbstbehalt | franchise
subtotal 1
    subtotal | sub-total | sub total | net total | total net | total before tax | total before taxes |
    net amount | total ht | total hors taxes | montant ht | nettobetrag | netto | zwischensumme | summe netto |
    subtotal before tax | subtotal excl tax | subtotal excl vat | subtotal excluding tax | subtotal excluding vat |
    subtotal ex vat | subtotal net | net subtotal | net sum | total excl. tax | total excl. vat | total ex vat |
    amount before tax | sum before tax | taxable total | total excl tax | total excl vat | total excluding tax |
    total excluding vat | taxable amount | sous-total
tax 1
    tax | sales tax | vat | gst | hst | tva | mwst | ust | umsatzsteuer | mehrwertsteuer | total tax |
    tax amount | vat amount | montant tva | total tva | state tax | value added tax | total vat | zzgl mwst |
    zzgl ust | steuer
total 1
    grand total | total incl. tax | total incl. vat | total with tax | total inc vat | total after tax |
    gross total | gross amount | total gross | total incl tax | total incl vat | total including tax |
    total including vat | total ttc |
    montant total ttc | montant ttc | gesamtbetrag | rechnungsbetrag | endbetrag | gesamtsumme | bruttobetrag |
    total for this invoice | invoice total | estimate total | total estimate | total invoice | repair total |
    total amount | total cost | total cost of repairs | total repair cost | total of estimate | total facture |
    total general | total repairs | summe brutto
total 2
    total | totals | totaux | summe | gesamt
due 1
    total due | amount due | balance due | total amount due | total payable | amount payable | balance |
    net a payer | somme a payer | total a payer | montant a payer | zu zahlen | zahlbetrag
name 3
    name | full name | nom | nom et prenom
- 1
    address | phone | telephone | mobile | email | e-mail | email address | signature | signed | date of birth |
    dob | occupation | mileage | odometer | colour | color | driver | driver name | witness | witnesses |
    injuries | officer | badge | badge # | agency | department | precinct | contact | relationship |
    registration date | policy type | coverage | coverages | limit | premium | agent | broker | insurer |
    insurance company | company | page | time | time of loss | time of accident | due date | payment terms |
    terms | po # | account # | bill to | ship to | sold to | shop | repairer | repair shop | garage | workshop |
    vat reg # | vat registration # | vat reg | gst # | gst reg # | gst registration # | company reg # |
    company registration # | company # | registered # | business reg # | business registration # | abn | acn |
    tax registration # | registration card # |
    tax id | tax rate | vat # | vat id | vat rate | labor rate | labour rate | estimator | prepared by |
    prepared for | adjuster | notes | remarks | comments | status | type of loss | type of claim | cause |
    lienholder | valid until | valid for | date of purchase | purchase date | date received | received |
    reported on | date reported | report filed | filing date | date filed | other party | third party |
    investigating officer | reporting officer |
    passenger | passengers | citation | citations | weather | iban | bic | bank | payment method | quantity |
    qty | part # | unit price | rate | hours | amount | price | item | items | deposit | discount | credits |
    credit | charges | paid | amount paid | parts total | labor total | labour total | total parts |
    total labor | total labour | invoice to | customer # | customer id | vehicle details | declaration | state |
    city | postcode | zip | driver license | driver's license | licence # | license # | date de naissance |
    adresse | telefon | anschrift
"""


def vocabulary() -> list[tuple[str, Meaning]]:
    """Every (label, meaning), longest label first."""
    entries: list[tuple[str, Meaning]] = []
    meaning = Meaning("", 1)
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            field, rank = line.split()
            meaning = Meaning(field if field != "-" else "", int(rank))
            continue
        entries += [(phrase.strip(), meaning) for phrase in line.split("|") if phrase.strip()]
    return sorted(entries, key=lambda entry: -len(entry[0].replace("#", "number")))
