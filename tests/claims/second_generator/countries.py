"""How countries write: dates, money, addresses, number plates, taxes and words for the parts of a car.

The law: every town, firm and street is invented. In a pattern `#` stands for a digit and `@` for a letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

NORTH_AMERICAN = {
    "bumper": "Front bumper cover",
    "rear": "Rear bumper cover",
    "hood": "Hood panel",
    "lamp": "LT headlamp assembly",
    "fender": "LT fender",
    "grille": "Radiator grille",
    "door": "RT front door shell",
    "mirror": "RT mirror assy, heated",
    "glass": "Windshield, acoustic",
    "radiator": "Radiator support",
    "wheel": 'Alloy wheel 17"',
    "trunk": "Trunk lid",
    "quarter": "RT quarter panel",
    "clips": "Clips and fasteners kit",
    "absorber": "Impact absorber",
}
COMMONWEALTH = {
    "bumper": "Front bumper cover",
    "rear": "Rear bumper skin",
    "hood": "Bonnet",
    "lamp": "N/S headlamp unit",
    "fender": "N/S/F wing",
    "grille": "Radiator grille",
    "door": "O/S/F door shell",
    "mirror": "O/S door mirror, heated",
    "glass": "Windscreen, tinted",
    "radiator": "Slam panel",
    "wheel": 'Alloy wheel 17"',
    "trunk": "Tailgate",
    "quarter": "O/S rear quarter panel",
    "clips": "Clips, sundries and fixings",
    "absorber": "Bumper reinforcer",
}


@dataclass(frozen=True)
class Country:
    """One country's habits. `tax_rate` in percent; `long_day` is how a letter writes a date."""

    code: str
    currency: str
    symbol: str
    tax: str
    tax_rate: Decimal
    dates: tuple[str, ...]
    long_day: str
    towns: tuple[tuple[str, str, str], ...]
    streets: tuple[str, ...]
    plates: tuple[str, ...]
    phone: str
    excess: str
    labour: str
    insurers: tuple[str, ...]
    shops: tuple[str, ...]
    police: tuple[str, ...]
    parts: dict[str, str]
    letter_paper: bool = False


US = Country(
    code="US",
    currency="USD",
    symbol="$",
    tax="Sales tax",
    tax_rate=Decimal("7.25"),
    dates=("%m/%d/%Y", "%m/%d/%y", "%B %-d, %Y", "%b %-d, %Y", "%-m/%-d/%Y", "%d-%b-%Y", "%Y-%m-%d"),
    long_day="%B %-d, %Y",
    towns=(
        ("Marlow Falls", "OH", "44###"),
        ("Teague Springs", "TX", "77###"),
        ("Pine Orchard", "WA", "98###"),
        ("Lundgren", "MN", "55###"),
        ("Sable Point", "NC", "27###"),
    ),
    streets=("Larkmont Ave", "W Hatcher St", "Old Quarry Rd", "County Road 41", "Juniper Blvd"),
    plates=("@@@ ####", "#@@@###", "@@@-####"),
    phone="(555) ###-####",
    excess="Deductible",
    labour="labor",
    insurers=("Ostrander Pike Casualty Co.", "Quillmere Mutual Insurance Company"),
    shops=("Rusk & Daughters Collision", "Third Street Auto Body LLC", "Blue Heron Paint & Frame, Inc."),
    police=("Marlow Falls Police Department", "Teague County Sheriff's Office", "Pine Orchard Police Department"),
    parts=NORTH_AMERICAN,
    letter_paper=True,
)
GB = Country(
    code="GB",
    currency="GBP",
    symbol="£",
    tax="VAT",
    tax_rate=Decimal(20),
    dates=("%d/%m/%Y", "%d %B %Y", "%d.%m.%Y", "%-d %b %Y", "%d-%b-%y", "%A %-d %B %Y", "%d/%m/%y"),
    long_day="%-d %B %Y",
    towns=(
        ("Ashcombe Magna", "Wiltshire", "SN## #@@"),
        ("Thornley Bridge", "Lancashire", "BB# #@@"),
        ("Eastwick Haven", "Kent", "CT## #@@"),
        ("Pellam", "Norfolk", "NR## #@@"),
    ),
    streets=("Hollow Lane", "Station Road", "Tanner's Row", "Mill Bank", "Priory Close"),
    plates=("@@## @@@", "@@##@@@"),
    phone="01### ######",
    excess="Policy excess",
    labour="labour",
    insurers=("Fennock & Hale Insurance plc", "Pellam Motor Assurance Ltd"),
    shops=("Hobday's Accident Repair Centre Ltd", "Kingsmere Bodyworks", "A. Trudgett & Son (Coachworks)"),
    police=("Mid-Wessmoor Constabulary", "Thornshire Police"),
    parts=COMMONWEALTH,
)
IE = Country(
    code="IE",
    currency="EUR",
    symbol="€",
    tax="VAT",
    tax_rate=Decimal("13.5"),
    dates=("%d/%m/%Y", "%-d %B %Y", "%d-%m-%Y", "%d %b %Y", "%d/%m/%y"),
    long_day="%-d %B %Y",
    towns=(
        ("Ballycrane", "Co. Offaly", "R35 @###"),
        ("Kilmorrow", "Co. Mayo", "F26 @#@#"),
        ("Dunvarra", "Co. Louth", "A91 @###"),
    ),
    streets=("Chapel Street", "The Old Creamery", "Bog Road", "Barrack Hill"),
    plates=("191-OY-####", "212-MO-###", "232 LH ####"),
    phone="(09#) ### ####",
    excess="Policy excess",
    labour="labour",
    insurers=("Dunvarra Insurance DAC", "Shanmore Motor Underwriting"),
    shops=("Crean Crash Repairs Ltd", "Toher's Panel Beating & Spray", "Kilmorrow Autobody"),
    police=("An Garda Síochána, Ballycrane", "An Garda Síochána, Dunvarra"),
    parts=COMMONWEALTH,
)
AU = Country(
    code="AU",
    currency="AUD",
    symbol="$",
    tax="GST",
    tax_rate=Decimal(10),
    dates=("%d/%m/%Y", "%d %B %Y", "%-d/%m/%Y", "%d %b %Y", "%a %d %b %Y"),
    long_day="%-d %B %Y",
    towns=(("Wattlebrook", "VIC", "3###"), ("Gumly Creek", "NSW", "2###"), ("Yarrandale", "QLD", "4###")),
    streets=("Banksia Parade", "Stockyard Rd", "Mulga Crescent", "Jetty Street"),
    plates=("@@@ ###", "#@@ #@@", "###-@@#"),
    phone="0# #### ####",
    excess="Excess",
    labour="labour",
    insurers=("Wattlebrook General Insurance Pty Ltd", "Coolabarra Motor Cover"),
    shops=("Gumly Smash Repairs Pty Ltd", "Dingo Street Panel & Paint", "Yarrandale Crash Centre"),
    police=("Wattlebrook Highway Patrol", "Yarrandale Police Station"),
    parts=COMMONWEALTH,
)
CA = Country(
    code="CA",
    currency="CAD",
    symbol="$",
    tax="HST",
    tax_rate=Decimal(13),
    dates=("%Y-%m-%d", "%B %-d, %Y", "%d-%b-%Y", "%Y/%m/%d"),
    long_day="%B %-d, %Y",
    towns=(("Moose Landing", "ON", "K#@ #@#"), ("Fernhollow", "ON", "N#@ #@#")),
    streets=("Concession Rd 9", "Maplethorn Drive", "Rideaux Street"),
    plates=("@@@@ ###",),
    phone="555-###-####",
    excess="Deductible",
    labour="labour",
    insurers=("Northern Plover Insurance", "Maplethorn Mutual"),
    shops=("Fernhollow Collision", "Landing Auto Body"),
    police=("Fernhollow Police Service",),
    parts=NORTH_AMERICAN,
    letter_paper=True,
)
