"""The letter of a decision: drafted and written before anybody is asked to approve it, and sent as it was approved.

The law: whoever approves a letter has its words before them, and allows these bytes to this recipient. So it states
nothing that only its sending or the payment would bring about: no reference, no day of payment. It bears the day on
which it was written. Whatever it states is decided otherwise, it is written anew, and approved anew.
"""

from __future__ import annotations

from decimal import Decimal

from app.core.step import StepContext
from workflows.insurance_claim.assessing.draft import drafted
from workflows.insurance_claim.assessing.prompts import LETTER
from workflows.insurance_claim.letters import UNNAMED, Decision, Facts, file_sent, reference, written
from workflows.insurance_claim.models import ClaimFile, ClaimFile2, DecisionLetter, Letter, Review
from workflows.insurance_claim.tools import SEND_DECISION

SETTLEMENT_LETTER, DENIAL_LETTER = "settlement_letter", "denial_letter"
_ANYBODY = "a claims adjuster of ours"  # true whoever of them will approve it
_SECOND = ", and was approved by a second person"


def draft_letter(step: StepContext, data: ClaimFile2) -> str:
    """The letter's free paragraph, for whoever is asked next: all that the letter states comes from elsewhere."""
    led_here = step.cause.get("outcome") or step.answer.get("outcome")
    if led_here == "assessed":
        if suggested(data) is not None:
            _draft(step, data, "settlement")
        return "suggested"
    assert data.review is not None
    _draft(step, data, "settlement" if data.review.outcome == "settle" else "denial")
    return "to_sign" if led_here == "needs_sign_off" else "decided"


def _draft(step: StepContext, data: ClaimFile2, kind: Decision) -> None:
    if data.paragraph_of == kind:  # it states nothing, so it fits every letter of its kind
        return
    data.paragraph, data.drafted_by = drafted(step, data, LETTER, kind)
    data.paragraph_of = kind


def suggested(data: ClaimFile) -> tuple[Decimal, str] | None:
    """The amount and the payee of the settlement that a reviewer would only have to confirm; None if there is none."""
    amount = data.recommendation.amount if data.recommendation else None
    payee = (data.payee or "").strip()
    return (amount, payee) if amount and payee else None


def for_review(
    step: StepContext, data: ClaimFile2, amount: Decimal, payee: str, currency: str
) -> tuple[DecisionLetter, str]:
    """Write the settlement letter that a reviewer approves together with its payment; with its words."""
    return _write(step, data, "settlement", amount, payee, currency, decided_by=_ANYBODY)


def for_sign_off(step: StepContext, data: ClaimFile2, review: Review, currency: str) -> tuple[DecisionLetter, str]:
    """Write the letter of what a reviewer decided, for the second person; with its words."""
    kind: Decision = "settlement" if review.outcome == "settle" else "denial"
    payee = review.payee or (data.claimant or "").strip() or UNNAMED
    by = review.reviewer_name + _SECOND
    return _write(step, data, kind, review.amount or Decimal(0), payee, currency, decided_by=by, review=review)


def _write(
    step: StepContext,
    data: ClaimFile2,
    kind: Decision,
    amount: Decimal,
    payee: str,
    currency: str,
    *,
    decided_by: str,
    review: Review | None = None,
) -> tuple[DecisionLetter, str]:
    # Why a claim is denied is owed to the claimant; why it is paid was written for colleagues.
    told = f"The payment goes to {payee}." if review is None or kind == "settlement" else review.reason
    facts = Facts(
        lines=[line for line in (told, data.paragraph) if line],
        decided_by=decided_by,
        amount=f"{amount:.2f}" if kind == "settlement" else None,
        provision=review.provision_id if review else None,
        provision_text=review.provision_text if review else None,
    )
    payee = payee.strip()  # as the ledger has it
    recipient = (data.claimant or "").strip() or payee
    made = written(step, data, kind, facts, recipient=recipient, currency=currency)
    letter = DecisionLetter(
        kind=kind,
        sha256=made["sha256"],
        filename=made["filename"],
        recipient=recipient,
        payee=payee,
        amount=amount.quantize(Decimal("0.01")),
        currency=currency,
    )
    # Those before it stay named: they lie in the document store, and go with the run's data when it is erased.
    data.decision_letters = [other for other in data.decision_letters if other.sha256 != letter.sha256] + [letter]
    return letter, f"The letter to {recipient}, as it is sent if you approve it:\n\n{made['text']}"


def states(letter: DecisionLetter | None, review: Review) -> bool:
    """Whether a settlement letter states exactly what the reviewer decided."""
    return (
        letter is not None
        and letter.kind == "settlement"
        and ((letter.amount, letter.currency, letter.payee) == (review.amount, review.currency, review.payee))
    )


def send(step: StepContext, data: ClaimFile2) -> str:
    """Send the letter that was approved: these bytes to this recipient, or nothing."""
    letter = data.decision_letters[-1]
    purpose = SETTLEMENT_LETTER if letter.kind == "settlement" else DENIAL_LETTER
    answer = step.call(
        SEND_DECISION,
        action=data.actions[purpose],
        claim=data.claim_number,
        kind=letter.kind,
        recipient=letter.recipient,
        sha256=letter.sha256,
        purpose=purpose,
        payee=letter.payee,
        amount=f"{letter.amount:.2f}",
        currency=letter.currency,
    )
    as_sent = Letter(kind=letter.kind, sha256=letter.sha256, filename=letter.filename)
    file_sent(data, as_sent, reference(answer, "letter_id"), at=step.now)
    return "sent"
