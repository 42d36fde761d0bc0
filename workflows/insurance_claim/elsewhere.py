"""Files that were sent under another claim number too.

The law: it is asked when a claim is checked, and again when it is decided. A file is listed before its claim is
checked, so of two claims that share one, whoever is decided later is decided knowing of the other.
"""

from __future__ import annotations

from typing import Any

from app.core.step import StepContext
from workflows.insurance_claim.checks import with_elsewhere
from workflows.insurance_claim.models import ClaimFile, OtherClaim
from workflows.insurance_claim.room import PLACES
from workflows.insurance_claim.tools import ELSEWHERE

WORKFLOW, PAYMENT = "insurance_claim", "payment"
_MOST_KEPT = 20


def look(step: StepContext, data: ClaimFile) -> None:
    """Who else sent these files, as of now. Whom we knew of stays known, though its record may have been erased."""
    files = list(dict.fromkeys(ref.sha256 for ref in data.documents))
    if not files:
        return
    found = step.call(ELSEWHERE, sha256=files, workflow=WORKFLOW, subject=step.subject, purpose=PAYMENT)
    now = [_other(said) for said in found["subjects"]]
    numbers = {other.number for other in now}
    data.elsewhere = [*now, *(known for known in data.elsewhere if known.number not in numbers)][:_MOST_KEPT]
    data.more_elsewhere = found["of"] - len(now)


def look_again(step: StepContext, data: ClaimFile) -> None:
    """Days may lie between a claim's checks and its decision: what is known of other claims is brought up to now."""
    look(step, data)
    data.findings = with_elsewhere(data)


def _other(said: dict[str, Any]) -> OtherClaim:
    return OtherClaim(
        number=said["subject"],
        sha256=said["sha256"][:PLACES],
        state=said["state"],
        status=said["status"],
        since=said["since"],
        payment=said["action"],
    )
