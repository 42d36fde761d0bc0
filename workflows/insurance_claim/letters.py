"""Letters a claim writes and sends. The text is fixed by the facts; the same facts give the same file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from workflows.insurance_claim.models import ClaimFile, Letter
from workflows.insurance_claim.tools import SEND_LETTER, WRITE_LETTER

UNNAMED = "the claimant"  # whom a letter addresses while no document or notice has named anybody
Kind = Literal["settlement", "denial", "acknowledgement", "document_request"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a letter says beyond the claim's own facts."""

    lines: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    amount: str | None = None
    provision: str | None = None
    provision_text: str | None = None
    decided_by: str | None = None


def write(step: Any, data: ClaimFile, kind: Kind, facts: Facts) -> Letter:
    """Write a letter into the document store; it is on the claim file when sent."""
    made = step.call(
        WRITE_LETTER, kind=kind, claim=data.claim_number, recipient=data.claimant or UNNAMED,
        policy=data.policy_number or "", date=step.now.date().isoformat(), currency=data.currency or "",
        lines=facts.lines, documents=facts.documents, amount=facts.amount, provision=facts.provision,
        provision_text=facts.provision_text, decided_by=facts.decided_by,
    )  # fmt: skip
    return Letter(kind=kind, sha256=made["sha256"], filename=made["filename"])


def send(step: Any, data: ClaimFile, letter: Letter, *, recipient: str) -> None:
    """Send an ordinary letter (no decision in it) and file it."""
    answer = step.call(
        SEND_LETTER,
        claim=data.claim_number,
        kind=letter.kind,
        recipient=recipient,
        sha256=letter.sha256,
        purpose=letter.kind,
    )
    data.letters = [
        *data.letters,
        letter.model_copy(
            update={"reference": str(answer.get("letter_id") or answer.get("attested_by")), "sent_at": step.now}
        ),
    ]
