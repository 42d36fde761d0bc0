"""What the rules make of amounts: the one bill that counts, and what the coverage pays of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.insurance.reading.extraction import DocumentFacts
from workflows.insurance_claim.facts import Coverage
from workflows.insurance_claim.models import ClaimFile

COVERAGE = "COLLISION"


@dataclass(frozen=True, slots=True)
class Billed:
    """A total, and where it stands."""

    amount: Decimal
    facts: DocumentFacts
    page: int


def billed(file: ClaimFile) -> Billed | None:
    """The total of the invoice, else of the estimate; None if neither states one, two differ, or a reader doubts one."""
    if any(doubt.field == "total" for facts in file.extractions for doubt in facts.doubts):
        return None
    for kind in ("repair_invoice", "repair_estimate"):
        stated = [
            Billed(Decimal(str(fact.value)), facts, fact.page)
            for facts in file.extractions
            if facts.kind == kind and (fact := facts.fields.get("total")) and fact.value is not None
        ]
        if stated:
            return stated[0] if len({one.amount for one in stated}) == 1 else None
    return None


def coverage_of(file: ClaimFile) -> Coverage | None:
    """The coverage that pays, as the policy database has it."""
    return next((c for c in file.policy.coverages if c.code == COVERAGE), None) if file.policy else None


def payable(total: Decimal, deductible: Decimal | None, limit: Decimal | None) -> Decimal:
    """What the coverage pays of a total: less the deductible, once, and never more than the limit."""
    amount = max(Decimal(0), total - (deductible or Decimal(0)))
    return (amount if limit is None else min(amount, limit)).quantize(Decimal("0.01"))
