"""What the papers of repairers state in common.

The law: these say what was printed with a label; the layout that leaves something out says it field by field.
"""

from __future__ import annotations

from tests.claims.second_generator.bill import Bill
from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper


def say_sums(paper: Paper, bill: Bill, case: Case) -> None:
    """The sums of a bill, each under a label of its own; a dollar sign leaves the currency open."""
    paper.say("subtotal", bill.net)
    paper.say("tax", bill.tax)
    paper.say("total", bill.total)
    paper.allow("currency", case.country.currency)


def say_claim(paper: Paper, case: Case, *, loss: bool = True) -> None:
    """Claim, policy, car and days, as the head of an estimate names them; `loss`: the day of the loss too."""
    for name, value in (
        ("claim_number", case.claim_number),
        ("policy_number", case.policy_number),
        ("vin", case.car.vin),
        ("plate", case.car.plate),
        ("make", case.car.make),
        ("model", case.car.model),
    ):
        paper.say(name, value)
    if loss:
        paper.say("date_of_loss", case.loss)
    paper.say("document_date", case.written)
    if case.country.code in {"GB", "IE"}:  # the sign names the currency; a dollar could be three of them
        paper.say("currency", case.country.currency)


def say_car(paper: Paper, case: Case) -> None:
    """The car by VIN, plate, make and model."""
    for name, value in (
        ("vin", case.car.vin),
        ("plate", case.car.plate),
        ("make", case.car.make),
        ("model", case.car.model),
    ):
        paper.say(name, value)
