"""The same file under another claim number: one bill paid twice, or two honest claims of one accident."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.core.lifecycle import Status
from app.core.statuses import ActionStatus
from workflows.insurance_claim.checks.statements import BILLS, evidence_of
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Finding, OtherClaim, SameLoss

_NAMED_AT_MOST = 5
_ENDED: Mapping[str, str] = {
    Status.COMPLETE: "closed without a payment",
    Status.CANCELLED: "withdrawn, not paid",
    Status.FAILED: "given up, not paid",
}
_OF_A_BILL = "A bill is paid once, but a claim may have been entered twice by mistake, or two coverages of one loss may share it."
_OF_ANOTHER = (
    "Two parties of one accident send the same police report, and a claim may have been entered twice by mistake."
)
_SAME_BYTES = "Only files that are the same byte for byte are found: a bill scanned anew is another file."


def check_elsewhere(file: ClaimFile) -> Iterator[Finding]:
    """DUPLICATE_CLAIM: one finding per set of files that other claims were sent as well."""
    of_the_same: dict[frozenset[str], list[OtherClaim]] = {}
    for other in file.elsewhere:  # the paid ones come first
        of_the_same.setdefault(frozenset(other.sha256), []).append(other)
    unlisted = file.more_elsewhere
    for files, others in of_the_same.items():
        refs = [ref for ref in _once(file) if ref.sha256 in files]
        if refs:
            yield _finding(refs, others, unlisted)
            unlisted = 0  # said once


def _once(file: ClaimFile) -> list[DocumentRef]:
    """The documents, each content once."""
    first: dict[str, DocumentRef] = {}
    for ref in file.documents:
        first.setdefault(ref.sha256, ref)
    return list(first.values())


def _finding(refs: list[DocumentRef], others: list[OtherClaim], unlisted: int) -> Finding:
    files = listed([ref.filename for ref in refs])
    claims = listed([f"{other.number} ({standing(other)})" for other in others])
    more = f" {unlisted} more claims were sent files of this one." if unlisted else ""
    bill = any(ref.kind in BILLS for ref in refs)
    return Finding(
        code="DUPLICATE_CLAIM",
        severity="warning",
        summary=f"{files} {'was' if len(refs) == 1 else 'were'} also sent under {claims}.{more}",
        evidence=[evidence_of(ref) for ref in refs],
        subjects=[other.number for other in others],
        why_uncertain=f"{_OF_A_BILL if bill else _OF_ANOTHER} {_SAME_BYTES}",
    )


def standing(other: OtherClaim | SameLoss) -> str:
    """Whether it was paid, as of the look."""
    paid = other.payment
    if paid is None:
        state = other.state.replace("_", " ").lower()
        return _ENDED.get(other.status, f"not paid yet, {state}")
    amount = f"{paid.amount:.2f} {paid.currency}"
    if paid.at is None:
        return f"a payment of {amount} was begun, its outcome is not known yet"
    return f"paid {amount} on {paid.at.date().isoformat()}" + (
        ", disputed" if paid.status == ActionStatus.DISPUTED else ""
    )


def listed(names: list[str]) -> str:
    """Some names of many, as a sentence has them."""
    more = len(names) - _NAMED_AT_MOST
    said = names[:_NAMED_AT_MOST] + ([f"{more} more"] if more > 0 else [])
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
