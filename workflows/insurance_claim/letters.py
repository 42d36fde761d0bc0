"""Letters a claim writes and sends. The text is fixed by the facts; the same facts give the same file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.core.step import StepContext
from workflows.insurance_claim.models import ClaimFile, Letter
from workflows.insurance_claim.tools import SEND_LETTER, WRITE_LETTER

UNNAMED = "the claimant"  # whom a letter addresses while no document or notice has named anybody
Kind = Literal["settlement", "denial", "acknowledgement", "document_request"]
Decision = Literal["settlement", "denial"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a letter says beyond the claim's own facts."""

    lines: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    amount: str | None = None
    provision: str | None = None
    provision_text: str | None = None
    decided_by: str | None = None


def write(step: StepContext, data: ClaimFile, kind: Kind, facts: Facts) -> Letter:
    """Write a letter into the document store; it is on the claim file when sent."""
    made = written(step, data, kind, facts, recipient=data.claimant or UNNAMED, currency=data.currency or "")
    return Letter(kind=kind, sha256=made["sha256"], filename=made["filename"])


def written(
    step: StepContext, data: ClaimFile, kind: Kind, facts: Facts, *, recipient: str, currency: str
) -> Mapping[str, Any]:
    """Write a letter, dated today, to somebody: its sha256, filename, and its `text`, word for word."""
    made: Mapping[str, Any] = step.call(
        WRITE_LETTER,
        kind=kind,
        claim=data.claim_number,
        recipient=recipient,
        policy=data.policy_number or "",
        date=step.now.date().isoformat(),
        currency=currency,
        lines=facts.lines,
        documents=facts.documents,
        amount=facts.amount,
        provision=facts.provision,
        provision_text=facts.provision_text,
        decided_by=facts.decided_by,
    )
    return made


def send(step: StepContext, data: ClaimFile, letter: Letter, *, recipient: str) -> None:
    """Send an ordinary letter (no decision in it) and file it."""
    answer = step.call(
        SEND_LETTER,
        claim=data.claim_number,
        kind=letter.kind,
        recipient=recipient,
        sha256=letter.sha256,
        purpose=letter.kind,
    )
    file_sent(data, letter, str(answer.get("letter_id") or answer.get("attested_by")), at=step.now)


def file_sent(data: ClaimFile, letter: Letter, reference: str, *, at: datetime) -> None:
    """Put a letter that was sent on the claim file, with what the mail room calls it."""
    data.letters = [*data.letters, letter.model_copy(update={"reference": reference, "sent_at": at})]


def reference(answer: Any, name: str) -> str:
    """What the other side answered, or who attested that it happened."""
    return str(answer.get(name) or f"attested by {answer.get('attested_by', 'a person')}")
