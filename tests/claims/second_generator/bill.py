"""What a repair costs: parts, hours and taxes that add up to the cent.

The law: amounts are rounded once, where they would be printed, so printed figures always add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from tests.claims.second_generator.case import Case

_PRICES = {
    "bumper": 380,
    "rear": 350,
    "hood": 610,
    "lamp": 455,
    "fender": 290,
    "grille": 145,
    "door": 720,
    "mirror": 210,
    "glass": 480,
    "radiator": 265,
    "wheel": 240,
    "trunk": 680,
    "quarter": 830,
    "clips": 24,
    "absorber": 130,
}
_IN_PAIRS = {"wheel", "clips", "absorber"}
_WORK = (
    "Remove and refit trim",
    "Repair and align inner panel",
    "Strip, fit and align panels",
    "Calibrate front camera",
    "Four-wheel alignment",
    "Prime, paint and lacquer panels",
    "Blend adjacent panel",
)


@dataclass(frozen=True)
class BillLine:
    """One line; amounts before tax. `quantity` counts pieces, or hours for labour."""

    description: str
    part_number: str
    kind: Literal["part", "labour"]
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """Quantity times price, to the cent."""
        return cents(self.quantity * self.unit_price)


@dataclass(frozen=True)
class Bill:
    """Lines with their sums. `tax_rate` in percent, on everything or on the parts alone."""

    lines: tuple[BillLine, ...]
    tax_rate: Decimal
    parts_only: bool
    excess: Decimal

    @property
    def parts(self) -> Decimal:
        """The parts before tax."""
        return sum((line.amount for line in self.lines if line.kind == "part"), Decimal(0))

    @property
    def labour(self) -> Decimal:
        """The work before tax."""
        return sum((line.amount for line in self.lines if line.kind == "labour"), Decimal(0))

    @property
    def hours(self) -> Decimal:
        """The hours of work."""
        return sum((line.quantity for line in self.lines if line.kind == "labour"), Decimal(0))

    @property
    def net(self) -> Decimal:
        """Everything before tax."""
        return self.parts + self.labour

    @property
    def tax(self) -> Decimal:
        """The tax, to the cent."""
        return cents((self.parts if self.parts_only else self.net) * self.tax_rate / 100)

    @property
    def total(self) -> Decimal:
        """What the whole repair costs."""
        return self.net + self.tax


def draw_up(case: Case, *, parts: int = 5, work: int = 3, only: tuple[str, ...] = ()) -> Bill:
    """A bill for the case: so many parts and operations, or `only` those parts."""
    rng = case.rng
    rate = Decimal(rng.choice((42, 48, 55, 58, 62, 74)))
    lines = [
        BillLine(
            description=case.country.parts[key],
            part_number=case.number(rng.choice(("#####-@##@#", "@@ #### ###", "7#########", "@##-####-@@"))),
            kind="part",
            quantity=Decimal(rng.choice((1, 1, 2)) if key in _IN_PAIRS else 1),
            unit_price=cents(Decimal(rng.randint(80, 130)) / 100 * _PRICES[key] + Decimal(rng.randrange(100)) / 100),
        )
        for key in only or rng.sample(sorted(_PRICES), parts)
    ]
    lines += [BillLine(what, "", "labour", Decimal(rng.randint(4, 65)) / 10, rate) for what in rng.sample(_WORK, work)]
    excess = Decimal(rng.choice((150, 250, 300, 500, 750)))
    return Bill(tuple(lines), case.country.tax_rate, case.country.code == "US", excess)


def cents(amount: Decimal) -> Decimal:
    """To two decimals, halves up."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
