"""The assessment: a recommendation by rules, with its reasons. It suggests, a person decides; it never suggests to deny.

Abstains rather than guesses: without a readable total, a known policy, or with a finding that blocks, it only says why.
"""

from __future__ import annotations

from decimal import Decimal

from workflows.insurance_claim.models import ClaimFile, Recommendation

PROVIDER = "offline-rules/1"
COVERAGE = "COLLISION"


def assess(file: ClaimFile) -> Recommendation:
    """What the rules make of the claim file."""
    blocking = [f for f in file.findings if f.severity == "blocking"]
    total = billed_total(file)
    if file.policy is None or total is None or blocking:
        reasons = [f"{f.code}: {f.summary}" for f in blocking]
        reasons += ["the policy is not known"] if file.policy is None else []
        reasons += ["no document states a total that could be read with certainty"] if total is None else []
        return Recommendation(outcome="investigate" if blocking else "abstain", reasons=reasons, provider=PROVIDER)
    amount, reasons = payable(file, total)
    reasons = [f"the bill comes to {total}", *reasons]
    warnings = [f"{f.code}: {f.summary}" for f in file.findings if f.severity == "warning"]
    warnings += [] if amount else ["nothing is left to pay; whether that is a denial is for a person to say"]
    return Recommendation(
        outcome="abstain" if warnings else "settle", amount=amount, currency=file.currency, reasons=reasons + warnings,
        confidence=0.5 if warnings else 0.9, provider=PROVIDER,
    )  # fmt: skip


def billed_total(file: ClaimFile) -> Decimal | None:
    """The total of the invoice, else of the estimate; None if neither states one, two differ, or a reader doubts one."""
    if any(doubt.field == "total" for facts in file.extractions for doubt in facts.doubts):
        return None
    for kind in ("repair_invoice", "repair_estimate"):
        totals = {
            Decimal(str(facts.fields["total"].value))
            for facts in file.extractions
            if facts.kind == kind and "total" in facts.fields and facts.fields["total"].value is not None
        }
        if len(totals) == 1:
            return totals.pop()
        if totals:
            return None
    return None


def payable(file: ClaimFile, total: Decimal) -> tuple[Decimal, list[str]]:
    """What the coverage pays of a total: the deductible once, then the limit; with the reasons."""
    coverage = next((c for c in file.policy.coverages if c.code == COVERAGE), None) if file.policy else None
    amount, reasons = total, []
    if coverage is not None and coverage.deductible:
        amount = max(Decimal(0), amount - coverage.deductible)
        reasons.append(f"less the deductible of {coverage.deductible}")
    if coverage is not None and coverage.limit is not None and amount > coverage.limit:
        amount = coverage.limit
        reasons.append(f"capped at the limit of {coverage.limit}")
    return amount.quantize(Decimal("0.01")), reasons
