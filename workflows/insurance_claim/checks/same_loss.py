"""The same loss under another claim number, and this very claim paid before: neither is settled by one person."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.statuses import ActionStatus
from workflows.insurance_claim.checks.elsewhere import listed, standing
from workflows.insurance_claim.models import ClaimFile, Finding, PaidBefore

CODES = ("SAME_LOSS", "ALREADY_PAID")


def check_same_loss(file: ClaimFile) -> Iterator[Finding]:
    """SAME_LOSS: one finding for all other claims of this loss, the paid ones first."""
    if not file.same_loss:
        return
    said = [f"{other.number} ({', '.join(other.shares[:3])}; {standing(other)})" for other in file.same_loss]
    yield Finding(
        code="SAME_LOSS",
        severity="blocking",
        summary=f"The same loss seems to be claimed under {listed(said)}.",
        subjects=[other.number for other in file.same_loss],
        why_uncertain="Two claims may honestly share a policy and a day: two vehicles of one storm, or a second loss on the same day.",
    )


def check_paid_before(file: ClaimFile) -> Iterator[Finding]:
    """ALREADY_PAID: the ledger has a payment for this very claim."""
    if not file.paid_before:
        return
    yield Finding(
        code="ALREADY_PAID",
        severity="blocking",
        summary=f"This claim has been paid already: {listed([_payment(paid) for paid in file.paid_before])}.",
        why_uncertain="A payment whose outcome is not known yet may turn out not to have happened.",
    )


def _payment(before: PaidBefore) -> str:
    amount = f"{before.paid.amount:.2f} {before.paid.currency} to {before.payee}"
    if before.paid.at is None:
        return f"{amount}, begun, its outcome not known yet"
    return f"{amount} on {before.paid.at.date().isoformat()}" + (
        ", disputed" if before.paid.status == ActionStatus.DISPUTED else ""
    )
