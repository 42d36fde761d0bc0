"""An honest case: every paper agrees with every other, the sums are right, the loss is in the past and covered.

The same seed, number and day give the same case. Each claim draws from its own random stream,
so changing one scenario leaves the other claims as they were.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final, Literal

from app.insurance.demo.samples.model import (
    Bill,
    CalendarDay,
    CaseFile,
    ClaimForm,
    Coverage,
    LineItem,
    PoliceReport,
    Policy,
    Shop,
    Vehicle,
)
from app.insurance.demo.samples.vin import make_vin
from app.insurance.demo.samples.vocabulary import COLLISIONS, MAKES, NAMES, OFFICERS, SHOPS, STREETS, TOWNS, Collision

Size = Literal["small", "medium", "large", "huge"]
BillKind = Literal["repair_estimate", "repair_invoice"]

CENT: Final = Decimal("0.01")
# Subtotal in whole US dollars and number of lines, by size. With at most 8.25 % tax the totals stay below 5,000
# (small), between 5,000 and 25,000 (medium, large) and, less the highest deductible, above 25,000 (huge).
_SUBTOTALS: Final[dict[Size, tuple[int, int, int]]] = {
    "small": (1_900, 4_300, 3),
    "medium": (6_500, 11_000, 5),
    "large": (14_000, 20_000, 7),
    "huge": (28_000, 44_000, 9),
}


def stream(seed: int, purpose: object) -> Random:
    """The random stream of one claim (by number) or of one purpose (by name)."""
    return Random(f"{seed}/{purpose}")


def name_of(seed: int, number: int) -> str:
    """The insured of claim `number`, counted from 1; numbers beyond the claims own policies without a claim."""
    names = list(NAMES)
    stream(seed, "names").shuffle(names)
    return names[(number - 1) % len(names)]


def claim_number(number: int, today: date) -> str:
    """The number that claim `number` goes by."""
    return f"CLM-{today.year}-{number:04d}"


def honest_case(seed: int, number: int, today: date, size: Size, bill_kind: BillKind) -> CaseFile:
    """The case of claim `number` before any scenario changes it."""
    rng = stream(seed, number)
    claim = claim_number(number, today)
    loss = today - timedelta(days=rng.randint(12, 60))
    policy = make_policy(rng, name_of(seed, number), loss)
    story = rng.choice(COLLISIONS)
    issued = loss + timedelta(days=rng.randint(3, 8))
    bill = _bill(rng, claim, policy, day=issued, parts=story.parts, size=size, kind=bill_kind)
    form, police = _statements(rng, claim, policy, loss=loss, story=story, bill=bill)
    return CaseFile(today, claim, policy, form, police, bill)


def make_policy(rng: Random, insured: str, covered: date) -> Policy:
    """A policy of one year that covers a day and began at least ten weeks before it, so the loss is no early one."""
    valid_from = covered - timedelta(days=rng.randint(70, 260))
    return Policy(
        number=f"HVM-{rng.randint(100, 999)}-{rng.randrange(10**6):06d}",
        insured=insured,
        valid_from=valid_from,
        valid_to=valid_from + timedelta(days=364),
        vehicle=_vehicle(rng, valid_from.year),
        coverages=(
            Coverage("COLLISION", Decimal("60000.00"), Decimal(rng.choice(("250.00", "500.00", "1000.00")))),
            Coverage("COMPREHENSIVE", Decimal("60000.00"), Decimal("250.00")),
            Coverage("LIABILITY_PROPERTY", Decimal("100000.00"), Decimal("0.00")),
        ),
        payee_name=insured,
        payee_account=f"****{rng.randrange(10**4):04d}",
    )


def _vehicle(rng: Random, latest: int) -> Vehicle:
    make, maker, models = rng.choice(MAKES)
    year = latest - rng.randint(1, 9)
    plate = f"{''.join(rng.choices('ABCDEFGHJKLMNPRSTVWXYZ', k=3))}-{rng.randrange(10**4):04d}"
    return Vehicle(make_vin(rng, maker, year), make, rng.choice(models), year, plate)


def _bill(
    rng: Random, claim: str, policy: Policy, *, day: date, parts: tuple[str, ...], size: Size, kind: BillKind
) -> Bill:
    shop = rng.choice(SHOPS)
    low, high, count = _SUBTOTALS[size]
    lines = _lines(rng, shop, parts[:count], Decimal(rng.randint(low, high)))
    prefix = "EST" if kind == "repair_estimate" else "INV"
    return price(
        Bill(
            kind,
            f"{prefix}-{rng.randint(10_000, 99_999)}",
            CalendarDay.of(day),
            shop,
            policy.insured,
            policy.vehicle,
            claim,
            policy.number,
            lines,
            Decimal(0),
            Decimal(0),
            Decimal(0),
        )
    )


def price(bill: Bill) -> Bill:
    """The bill with its sums worked out from its lines."""
    return with_subtotal(bill, sum((line.amount for line in bill.lines), Decimal(0)))


def with_subtotal(bill: Bill, subtotal: Decimal) -> Bill:
    """The bill with that subtotal, tax on it (half a cent is rounded up), and the total of both."""
    tax = (subtotal * bill.shop.tax_rate).quantize(CENT, ROUND_HALF_UP)
    return replace(bill, subtotal=subtotal, tax=tax, total=subtotal + tax)


def line(operation: str, part: str, hours: Decimal, shop: Shop, parts_price: Decimal) -> LineItem:
    """One line whose amount is right."""
    labor = (hours * shop.labor_rate).quantize(CENT)
    return LineItem(operation, part, hours, shop.labor_rate, parts_price, parts_price + labor)


def _lines(rng: Random, shop: Shop, parts: tuple[str, ...], subtotal: Decimal) -> tuple[LineItem, ...]:
    """One line a part, labor first and the rest of the subtotal spread over the prices, within some dollars of it."""
    hours = [Decimal(rng.randint(2, 9)) / 2 for _ in parts]
    for_parts = subtotal - sum(hours, Decimal(0)) * shop.labor_rate
    weights = [rng.randint(20, 99) for _ in parts]
    prices = [(for_parts * w / sum(weights)).quantize(CENT) for w in weights]
    operations = [rng.choice(("Replace", "Replace", "Repair", "Replace and refinish")) for _ in parts]
    return tuple(
        line(operation, part, spent, shop, cost)
        for operation, part, spent, cost in zip(operations, parts, hours, prices, strict=True)
    )


def _statements(
    rng: Random, claim: str, policy: Policy, *, loss: date, story: Collision, bill: Bill
) -> tuple[ClaimForm, PoliceReport]:
    """The claim form and the police report of one loss; they damage exactly the parts that are billed."""
    town, damage = rng.choice(TOWNS), tuple(item.part for item in bill.lines)
    place = f"{' at '.join(rng.sample(STREETS, 2))}, {town}"
    time = f"{rng.randint(7, 21):02d}:{rng.choice((0, 10, 15, 25, 40, 50)):02d}"
    agency, number = f"{town} Police Department", f"{town[:2].upper()}-{loss:%y}-{rng.randrange(10**5):05d}"
    police = PoliceReport(
        number,
        agency,
        f"Officer {rng.choice(OFFICERS)}",
        str(rng.randint(200, 999)),
        CalendarDay.of(loss),
        time,
        CalendarDay.of(loss + timedelta(days=rng.randint(0, 2))),
        place,
        story.narrated,
        policy.insured,
        policy.vehicle,
        damage,
    )
    form = ClaimForm(
        claim,
        policy.number,
        policy.insured,
        f"555-01{rng.randrange(100):02d}",
        f"{rng.randint(3, 980)} {rng.choice(STREETS)}, {town}",
        CalendarDay.of(loss),
        time,
        CalendarDay.of(loss + timedelta(days=rng.randint(1, 4))),
        place,
        story.told,
        policy.vehicle,
        damage,
        number,
        agency,
        bill.total,
    )
    return form, police
