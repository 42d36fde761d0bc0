"""What a sample claim is: the facts every paper is drawn from, and what the demo is expected to make of them.

A `CaseFile` starts honest: every paper agrees with every other and with the policy. A scenario then changes one or
two facts. Dates on papers are `CalendarDay`, because a paper can carry a day that no calendar has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

DocumentKind = Literal[
    "claim_form",
    "police_report",
    "repair_estimate",
    "repair_invoice",
    "photo_sheet",
    "policy_declaration",
    "correspondence",
]
FindingCode = Literal[
    "POLICY_NOT_FOUND",
    "LOSS_OUTSIDE_POLICY",
    "DATE_OF_LOSS_CONFLICT",
    "IMPOSSIBLE_DATE",
    "FUTURE_DATE",
    "IDENTITY_CONFLICT",
    "LINES_DO_NOT_ADD_UP",
    "CLAIMED_TOTAL_MISMATCH",
    "VIN_CHECK_DIGIT",
    "PART_NOT_CLAIMED",
    "WRONG_DOCUMENT_TYPE",
    "DUPLICATE_DOCUMENT",
    "UNREADABLE_DOCUMENT",
    "DUPLICATE_CLAIM",
    "SAME_LOSS",
]
DemoAnswer = Literal["approve", "deny", "leave"]
CURRENCY = "USD"


class CalendarDay(NamedTuple):
    """A day as somebody wrote it down; 31 February is a possible value."""

    year: int
    month: int
    day: int

    @classmethod
    def of(cls, day: date) -> CalendarDay:
        """The written form of a real day."""
        return cls(day.year, day.month, day.day)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """The insured vehicle."""

    vin: str
    make: str
    model: str
    year: int
    plate: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One cover of a policy; limit and deductible in US dollars."""

    code: str
    limit: Decimal
    deductible: Decimal


@dataclass(frozen=True, slots=True)
class Policy:
    """One row of the insurer's policy database; cover runs from the first to the last day, both included."""

    number: str
    insured: str
    valid_from: date
    valid_to: date
    vehicle: Vehicle
    coverages: tuple[Coverage, ...]
    payee_name: str
    payee_account: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A repair shop and the look of its paper; `tax_rate` is a fraction, `labor_rate` US dollars an hour."""

    name: str
    address: str
    phone: str
    tax_id: str
    labor_rate: Decimal
    tax_rate: Decimal
    look: Literal["grid", "columns", "itemised"]
    days: Literal["iso", "long", "us"]
    money: Literal["plain", "dollar", "code"]


@dataclass(frozen=True, slots=True)
class LineItem:
    """One line of a bill: `amount` should be `parts_price + hours * rate`."""

    operation: str
    part: str
    hours: Decimal
    rate: Decimal
    parts_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """A repair estimate or invoice, with the sums as printed (which a scenario may have made wrong)."""

    kind: Literal["repair_estimate", "repair_invoice"]
    number: str
    day: CalendarDay
    shop: Shop
    owner: str
    vehicle: Vehicle
    claim: str
    policy: str
    lines: tuple[LineItem, ...]
    subtotal: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class ClaimForm:
    """What the claimant says, on a form or in a letter."""

    claim: str
    policy: str
    claimant: str
    phone: str
    address: str
    date_of_loss: CalendarDay
    time: str
    reported: CalendarDay
    place: str
    description: str
    vehicle: Vehicle
    damage: tuple[str, ...]
    police_report: str
    agency: str
    amount_claimed: Decimal


@dataclass(frozen=True, slots=True)
class PoliceReport:
    """What the police wrote down."""

    number: str
    agency: str
    officer: str
    badge: str
    date_of_loss: CalendarDay
    time: str
    filed: CalendarDay
    place: str
    narrative: str
    owner: str
    vehicle: Vehicle
    damage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything one claim is drawn from, as of `today`; `policy` is the database row, which the papers repeat."""

    today: date
    claim: str
    policy: Policy
    form: ClaimForm
    police: PoliceReport
    bill: Bill


@dataclass(frozen=True, slots=True)
class Paper:
    """One file as sent: its name, what it really is, and its bytes."""

    file_name: str
    kind: DocumentKind
    content: bytes


@dataclass(frozen=True, slots=True)
class SampleClaim:
    """One submission and what should have become of it when the demo has run.

    `missing` names the kinds that must still be sent (an invoice serves where an estimate is missing), `demo_answer`
    what the demo automaton does at the review, `expected_end` the state the run then stands in, `why` the reason.
    `after`: the claim that must have come to its end before this one is sent in. `expected_alerts`: the rules whose alerts
    are then open.
    """

    folder: Path
    key: str
    claim: str
    scenario: str
    expected_findings: frozenset[FindingCode]
    missing: tuple[DocumentKind, ...]
    demo_answer: DemoAnswer
    expected_end: str
    why: str
    after: str | None = None
    expected_alerts: frozenset[str] = frozenset()


Twist = Callable[[CaseFile, Random], CaseFile]
Papers = tuple[Paper, ...]
Envelope = Callable[[Papers, date], Papers]
