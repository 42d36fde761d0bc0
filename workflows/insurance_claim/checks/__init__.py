"""The semantic checks of a claim: pure, complete, and never sure of themselves.

The law: every check runs and every finding is kept; none of them stops the others, decides anything, or changes the
file. A finding names its evidence and says why it may be wrong, because a person will act on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from workflows.insurance_claim.checks import amounts, dates, documents, elsewhere, identity, parts, readings, same_loss
from workflows.insurance_claim.checks.documents import required_documents
from workflows.insurance_claim.models import ClaimFile, Finding
from workflows.insurance_claim.room import with_fewer_places

__all__ = ["check_claim", "required_documents", "with_elsewhere", "with_same_loss"]

_GRAVEST_FIRST = ("blocking", "warning", "info")


def check_claim(file: ClaimFile, today: date) -> list[Finding]:
    """All findings of all checks, the gravest first; `today` is the date to judge by."""
    findings = [
        *identity.check_policy_found(file),
        *dates.check_loss_within_policy(file),
        *dates.check_dates_of_loss_agree(file),
        *dates.check_dates_exist(file),
        *dates.check_no_future_dates(file, today),
        *identity.check_identity(file),
        *identity.check_vin_digits(file),
        *amounts.check_lines_add_up(file),
        *amounts.check_claimed_total(file),
        *amounts.check_currencies(file),
        *parts.check_parts_claimed(file),
        *documents.check_kinds(file),
        *documents.check_duplicates(file),
        *documents.check_readable(file),
        *documents.check_instructions(file),
        *elsewhere.check_elsewhere(file),
        *same_loss.check_same_loss(file),
        *same_loss.check_paid_before(file),
        *readings.check_readings_agree(file),
        *readings.check_hidden_text(file),
    ]
    return _gravest_first(findings)


def with_elsewhere(file: ClaimFile) -> list[Finding]:
    """The file's findings, those about other claims found anew."""
    others = [finding for finding in file.findings if finding.code != "DUPLICATE_CLAIM"]
    return _gravest_first([*others, *elsewhere.check_elsewhere(file)])


def with_same_loss(file: ClaimFile) -> list[Finding]:
    """The file's findings, those about the same loss and about earlier payments found anew."""
    others = [finding for finding in file.findings if finding.code not in same_loss.CODES]
    return _gravest_first([*others, *same_loss.check_same_loss(file), *same_loss.check_paid_before(file)])


def _gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(map(with_fewer_places, findings), key=lambda finding: _GRAVEST_FIRST.index(finding.severity))
