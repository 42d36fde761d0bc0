"""Correspondence: letters and mails that talk about forms, reports, estimates and invoices without being one.

The law: a letter tells in sentences, and the truth holds what its sentences assert of this claim, not the amounts and
days it merely mentions.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.claims.second_generator.case import Case, Person
from tests.claims.second_generator.paper import Paper


def from_claimant(case: Case) -> Paper:
    """A policyholder complains about a delay; mentions an estimate and the day it was sent."""
    paper = _opened(case, case.holder, (case.insurer, "Claims Department"))
    paper.row([(20, f"Re: Claim {case.claim_number}, policy {case.policy_number}", "left")], bold=True, down=8)
    sent = case.loss + timedelta(days=6)
    paper.prose(
        "Dear Sir or Madam,\n"
        f"I am writing about the accident of {case.long_day(case.loss)} at {case.place}. I sent you the garage's estimate for "
        f"{case.money(Decimal(2140))} on {case.long_day(sent)} and have heard nothing since. A hire car is costing me "
        f"{case.money(Decimal(38))} a day. Please tell me by return whether the repair may begin.",
        pitch=5.4,
    )
    _signed(paper, case.holder)
    paper.say("claim_number", case.claim_number)
    paper.say("policy_number", case.policy_number)
    paper.say("date_of_loss", case.loss)
    _allow_letter(paper, case)
    return paper


def from_insurer(case: Case) -> Paper:
    """An e-mail print-out from another office, with header lines; asks for a police report and an invoice."""
    paper = Paper("correspondence", size=10, letter=case.country.letter_paper)
    for label, value in (
        ("From", f"{case.other.name} <claims@insurer.example>"),
        ("Sent", f"{case.long_day(case.written)} {case.clock()}"),
        ("To", f"{case.holder.name}"),
        ("Subject", f"Your claim {case.claim_number}: documents outstanding"),
    ):
        paper.row([(20, f"{label}:", "left"), (42, value, "left")])
    paper.rule(y=paper.y - 3)
    paper.y += 5
    paper.prose(
        f"Dear {case.holder.first},\n"
        f"Thank you for telling us about your accident. Before we can go on with claim {case.claim_number} we need the police "
        "report and the final repair invoice. The estimate we hold is not enough, because the total may change.\n"
        f"Please send both by {case.long_day(case.written + timedelta(days=21))}.\n"
        f"Kind regards\n{case.other.name}\n{case.insurer}",
        pitch=5.4,
    )
    paper.say("claim_number", case.claim_number)
    paper.say("document_date", case.written)
    _allow_letter(paper, case)
    return paper


def from_repairer(case: Case) -> Paper:
    """A shop explains a delay and announces an invoice; its own totals are not those of a bill."""
    shop = Person(case.shop, "", case.shop_address, case.shop_phone)
    paper = _opened(case, shop, (case.insurer, "Motor Engineers"))
    paper.row(
        [(20, f"{case.car.make} {case.car.model}, {case.car.plate} / your claim number {case.claim_number}", "left")],
        bold=True,
        down=8,
    )
    paper.prose(
        "To whom it may concern,\n"
        "We regret that the repair of the above vehicle is delayed: the headlamp is on back order. We expect it on "
        f"{case.long_day(case.written + timedelta(days=18))}. Our estimate is unchanged and the invoice will follow on "
        f"completion. Storage to date comes to {case.money(Decimal(120))}, which we are willing to waive.",
        pitch=5.4,
    )
    _signed(paper, shop)
    paper.say("claim_number", case.claim_number)
    paper.allow("plate", case.car.plate)
    paper.allow("make", case.car.make)
    paper.allow("model", case.car.model)
    _allow_letter(paper, case)
    return paper


def from_solicitor(case: Case) -> Paper:
    """A lawyer for the other driver: two clients, two references, an offer to settle."""
    lawyer = Person("Brindlewick & Snaith", "", ("4 Tanner's Row",), case.shop_phone)
    paper = _opened(case, lawyer, (case.insurer,))
    paper.row([(20, f"Our ref: BS/{case.number('####')}/mk", "left")])
    paper.row([(20, f"Your ref: {case.claim_number}", "left")])
    paper.row([(20, f"Our client: {case.other.name}", "left")])
    paper.row([(20, f"Your insured: {case.holder.name}", "left")])
    paper.row([(20, f"Date of accident: {case.day(case.loss)}", "left")], down=8)
    paper.prose(
        "Dear Sirs,\n"
        "We act for the above in respect of losses arising from the above road traffic collision, for which we hold your "
        f"insured responsible. Our client's own insurers hold policy {case.other_policy}. Without prejudice, our client would "
        f"accept {case.money(Decimal(1850))} in full and final settlement if paid within 21 days.",
        pitch=5.4,
    )
    _signed(paper, lawyer)
    paper.say("date_of_loss", case.loss)
    paper.say("insured", case.holder.name)
    paper.allow("claim_number", case.claim_number)
    paper.allow("claimant", case.other.name)
    paper.allow("amount_claimed", Decimal(1850))
    _allow_letter(paper, case)
    return paper


def _opened(case: Case, sender: Person, to: tuple[str, ...]) -> Paper:
    """Sender on the right, addressee on the left, the day between."""
    paper = Paper("correspondence", font="Times", size=11.5, letter=case.country.letter_paper)
    for line in (sender.name.strip(), *sender.address, sender.phone):
        paper.row([(190, line, "right")])
    paper.y += 5
    for line in to:
        paper.row([(20, line, "left")])
    paper.y += 4
    paper.row([(20, case.long_day(case.written), "left")], down=9)
    paper.say("document_date", case.written)
    return paper


def _signed(paper: Paper, sender: Person) -> None:
    paper.y += 6
    paper.row([(20, "Yours sincerely,", "left")], down=12)
    paper.row([(20, sender.name.strip(), "left")])


def _allow_letter(paper: Paper, case: Case) -> None:
    """What a letter says in passing."""
    paper.allow("claimant", case.holder.name)
    paper.allow("insured", case.holder.name)
    paper.allow("place", case.place)
    paper.allow("date_of_loss", case.loss)
    paper.allow("currency", case.country.currency)
