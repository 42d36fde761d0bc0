"""Policies: a schedule, a declarations page, a certificate.

The law: a premium is no repair bill and a limit no claim: a policy states no `total` and no `amount_claimed`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper


def schedule(case: Case) -> Paper:
    """British or Irish: a schedule with sections; the period runs 'from' and 'to', with a premium and its tax."""
    paper = Paper("policy", size=10)
    first, last = _period(case)
    paper.row([(20, case.insurer, "left")], size=15, bold=True, down=8)
    paper.row([(20, "Private Car Insurance: Policy Schedule", "left")], size=12, down=10)
    for label, value in (
        (case.word("policy_number"), case.policy_number),
        ("The insured", case.holder.name),
        ("Address", ", ".join(case.holder.address)),
        ("Period of insurance", f"From 00:01 on {case.day(first)} to 23:59 on {case.day(last)}"),
        ("Vehicle", f"{case.car.make} {case.car.model}"),
        (case.word("plate"), case.car.plate),
        ("Year of make", str(case.car.year)),
        ("Cover", "Comprehensive"),
        (case.country.excess, case.money(Decimal(300))),
        ("Windscreen excess", case.money(Decimal(75))),
        ("Annual premium", case.money(Decimal("612.40"))),
        ("Insurance premium tax", case.money(Decimal("73.49"))),
        ("Total premium payable", case.money(Decimal("685.89"))),
        ("Date of issue", case.day(first - timedelta(days=12))),
    ):
        paper.row([(20, label, "left"), (75, value, "left")], down=6)
    paper.y += 5
    paper.prose(
        "This schedule must be read with your policy booklet. Claims: report any accident within 24 hours. You must "
        "send any claim form, estimate or invoice to us without delay.",
        size=8,
    )
    _say_policy(paper, case, first, last)
    paper.say("plate", case.car.plate)
    paper.say("deductible", Decimal(300))
    paper.say("year", str(case.car.year))
    paper.say("document_date", first - timedelta(days=12))
    paper.allow("tax", Decimal("73.49"))
    return paper


def declarations(case: Case) -> Paper:
    """American: a declarations page in capitals; a table of limits, deductibles and premiums."""
    paper = Paper("policy", size=9, letter=True)
    first, last = _period(case)
    paper.row([(108, case.insurer.upper(), "centre")], size=13, bold=True, down=6)
    paper.row([(108, "PERSONAL AUTO POLICY DECLARATIONS", "centre")], bold=True, down=9)
    paper.row(
        [(20, "POLICY NUMBER", "left"), (110, "POLICY PERIOD (12:01 A.M. STANDARD TIME)", "left")], size=6.5, down=4
    )
    paper.row([(20, case.policy_number, "left"), (110, f"{first:%m/%d/%Y} TO {last:%m/%d/%Y}", "left")], down=7)
    paper.row([(20, "NAMED INSURED AND ADDRESS", "left")], size=6.5, down=4)
    for line in (case.holder.name, *case.holder.address):
        paper.row([(20, line.upper(), "left")], down=4.4)
    paper.y += 4
    heads = ((20, "AUTO"), (35, "YEAR"), (52, "MAKE"), (85, "MODEL"), (125, "VEHICLE ID NUMBER"))
    paper.row([(x, text, "left") for x, text in heads], size=6.5, down=4)
    car = case.car
    cells = ((20, "1"), (35, str(car.year)), (52, car.make.upper()), (85, car.model.upper()), (125, car.vin))
    paper.row([(x, text, "left") for x, text in cells], down=9)
    paper.row(
        [(20, "COVERAGE", "left"), (110, "LIMIT", "right"), (150, "DEDUCTIBLE", "right"), (190, "PREMIUM", "right")],
        bold=True,
    )
    for name, limit, deductible, premium in (
        ("BODILY INJURY LIABILITY", "$100,000 / $300,000", "", "$ 214.00"),
        ("PROPERTY DAMAGE", "$50,000", "", "$ 131.00"),
        ("COLLISION", "ACTUAL CASH VALUE", "$500", "$ 288.00"),
        ("RENTAL", "$40 PER DAY / $1,200 MAX", "", "$ 22.00"),
    ):
        paper.row([(20, name, "left"), (110, limit, "right"), (150, deductible, "right"), (190, premium, "right")])
    paper.row([(150, "TOTAL PREMIUM", "right"), (190, "$ 655.00", "right")], bold=True)
    _say_policy(paper, case, first, last)
    paper.say("vin", car.vin)
    paper.allow("deductible", Decimal(500))
    paper.allow("year", str(car.year))
    return paper


def certificate(case: Case) -> Paper:
    """A one-page certificate in numbered paragraphs, as carried in the car."""
    paper = Paper("policy", font="Times", size=11)
    first, last = _period(case)
    paper.row([(105, "CERTIFICATE OF MOTOR INSURANCE", "centre")], size=15, bold=True, down=10)
    items = (
        f"Certificate and policy number: {case.policy_number}",
        f"Registration mark of vehicle: {case.car.plate}",
        f"Name of policyholder: {case.holder.name}",
        f"Effective date of the commencement of insurance: {case.day(first)}",
        f"Date of expiry of insurance: {case.day(last)}",
        "Persons entitled to drive: the policyholder and any person driving on the policyholder's order.",
        "Limitations as to use: social, domestic and pleasure purposes and commuting.",
    )
    for number, words in enumerate(items, start=1):
        paper.prose(f"{number}. {words}", pitch=5.4)
        paper.y += 3
    paper.row([(20, f"For and on behalf of {case.insurer}", "left")], down=7)
    paper.say("policy_number", case.policy_number)
    paper.say("insured", case.holder.name)
    paper.say("plate", case.car.plate)
    paper.say("period_start", first)
    paper.say("period_end", last)
    return paper


def _period(case: Case) -> tuple[date, date]:
    """A year that holds the day of the loss, not always from the first of a month."""
    first = case.loss - timedelta(days=case.rng.randint(5, 350))
    return first, first + timedelta(days=364)


def _say_policy(paper: Paper, case: Case, first: date, last: date) -> None:
    paper.say("policy_number", case.policy_number)
    paper.say("insured", case.holder.name)
    paper.say("period_start", first)
    paper.say("period_end", last)
    paper.say("make", case.car.make)
    paper.say("model", case.car.model)
    paper.allow("currency", case.country.currency)
