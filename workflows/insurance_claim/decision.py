"""The second part of a claim: assessed, reviewed by a person, signed off, settled or denied, answered in writing.

The law: nothing is denied and nothing paid without a person, and above the reviewer's authority without a second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

from app.core.statuses import ActionStatus
from app.core.step import StepContext
from app.core.workflow import Proposal, Request
from workflows.insurance_claim import decision_letters, elsewhere, same_loss
from workflows.insurance_claim.assessing import assess
from workflows.insurance_claim.assessing.note import review_note
from workflows.insurance_claim.decision_letters import DENIAL_LETTER, SETTLEMENT_LETTER
from workflows.insurance_claim.letters import reference
from workflows.insurance_claim.models import (
    ClaimFile,
    ClaimFile2,
    DecisionLetter,
    Review,
    Settlement,
    SignOff,
    SiuReview,
)
from workflows.insurance_claim.tools import PAY

PAYMENT = "payment"
DISAGREEMENT = Decimal("0.10")  # a reviewed amount this far from the suggested one is a disagreement
_NEW_LETTER = (
    "{name} decided to settle for {amount} {currency}, payee {payee}. The letter below was written for that and nobody has "
    "approved it; answering “settle” with this amount pays it and sends this letter."
)


def assess_claim(step: StepContext, data: ClaimFile) -> str:
    """Suggest; a person decides, and reads why."""
    data.recommendation = assess.assessed(step, data)
    return "assessed"


def ask_reviewer(step: StepContext, data: ClaimFile2) -> Request:
    """The adjuster's task: everything that was seen, together, why it comes back if it does, and the letter to be approved."""
    hear_answer(step, data)
    decided = data.review if step.cause.get("outcome") == "decided" else None
    if decided is not None and decided.sign_off_reasons:  # that needs a second person, whatever led here
        decided = None
    amount = (data.recommendation.amount if data.recommendation else None) or Decimal(0)
    payee, letter, words = data.payee or "", None, []
    if decided is not None and decided.amount and decided.payee and decided.currency:
        amount, payee = decided.amount, decided.payee
        letter, text = decision_letters.for_review(step, data, amount, payee, decided.currency)
        words = [
            _NEW_LETTER.format(name=decided.reviewer_name, amount=amount, currency=decided.currency, payee=payee),
            text,
        ]
    elif data.paragraph_of == "settlement" and (suggestion := decision_letters.suggested(data)):
        letter, text = decision_letters.for_review(step, data, *suggestion, currency_of(data))
        words = [text]
    lettered = [letter_proposal(data, letter)] if letter else []
    request = review_request(data, [proposal(data, PAYMENT, amount, editable=True, payee=payee), *lettered])
    note = "\n\n".join([*words[:-1], request.note, *words[-1:]])
    return replace(request, note=note)


def review_request(data: ClaimFile, proposals: Sequence[Proposal]) -> Request:
    """What every version asks a reviewer: to settle is to approve these."""
    amount = proposals[0].amount
    codes = ", ".join(sorted({f.code for f in data.findings})) or "no findings"
    return Request(
        title=f"Review claim {data.claim_number}: {codes}",
        note=review_note(data),
        defaults={"amount": str(amount) if amount else ""},
        evidence=[f.model_dump(mode="json") for f in data.findings],
        proposals=proposals,
        approves={"settle": [proposal.purpose for proposal in proposals]},
    )


def hear_answer(step: StepContext, data: ClaimFile) -> None:
    """What a supervisor or an investigator answered, if that is what led here."""
    answer = step.answer
    if answer.get("outcome") == "refuse":
        take_sign_off(step, data, verdict="refused")
    if answer.get("outcome") in ("cleared", "fraud_indicated"):
        data.siu_review = SiuReview(
            outcome=answer["outcome"],
            reviewer=answer["by"],
            reason=answer["values"]["comment"],
            decided_at=answer["at"],
        )


def letter_proposal(data: ClaimFile, letter: DecisionLetter) -> Proposal:
    """To send these very bytes to this very recipient: both are part of what is approved."""
    purpose = SETTLEMENT_LETTER if letter.kind == "settlement" else DENIAL_LETTER
    sent = {"recipient": letter.recipient, "sha256": letter.sha256}
    return replace(proposal(data, purpose, letter.amount, payee=letter.payee), content=sent, currency=letter.currency)


def proposal(data: ClaimFile, purpose: str, amount: Decimal, *, editable: bool = False, payee: str = "") -> Proposal:
    """An action on this claim, as everybody who approves one is shown it."""
    return Proposal(
        purpose=purpose,
        payee=payee,
        amount=amount,
        currency=currency_of(data),
        coverage=assess.COVERAGE,
        claim=data.claim_number or "",
        tolerance=DISAGREEMENT,
        evidence={"documents": [ref.sha256 for ref in data.documents], "findings": [f.code for f in data.findings]},
        amount_field="amount" if editable else None,
        payee_field="payee" if editable else None,
    )


def currency_of(data: ClaimFile) -> str:
    """The claim's currency: as stated, else the policy's."""
    return data.currency or (data.policy.currency if data.policy else "USD")


def ask_siu(step: StepContext, data: ClaimFile) -> Request:
    """The special investigation unit's task."""
    return Request(
        title=f"Investigate claim {data.claim_number}",
        note=review_note(data),
        evidence=[f.model_dump(mode="json") for f in data.findings],
    )


def decide(step: StepContext, data: ClaimFile2) -> str:
    """Rules over the reviewer's answer. A settlement within authority goes on if its own letter was approved with it."""
    outcome = weigh(step, data)
    letter = data.decision_letters[-1] if data.decision_letters else None
    assert data.review is not None
    if outcome == "within_authority" and not (
        SETTLEMENT_LETTER in data.actions and decision_letters.states(letter, data.review)
    ):
        return "letter_to_approve"
    return outcome


def weigh(step: StepContext, data: ClaimFile) -> str:
    """Is the reviewer's answer within their authority, or does somebody else sign?"""
    elsewhere.look_again(step, data)
    answer = step.answer
    data.sign_off = None  # a refusal was of the decision before this one
    values, actions = answer["values"], answer.get("actions", {})
    paid = actions.get(PAYMENT)
    data.review = Review(
        outcome=answer["outcome"],
        reviewer=answer["by"],
        reviewer_name=answer["name"],
        reason=values["comment"],
        amount=Decimal(paid["amount"]) if paid else None,
        currency=paid["currency"] if paid else None,
        payee=paid["payee"] if paid else None,
        coverage=paid["coverage"] if paid else None,
        provision_id=values.get("provision_id") or None,
        provision_text=values.get("provision_text") or None,
        decided_at=answer["at"],
    )
    data.currency = data.review.currency or data.currency
    same_loss.look_again(step, data)
    data.actions = {purpose: action["id"] for purpose, action in actions.items()}
    reasons = sign_off_reasons(data, Decimal(str(answer["authority"])), actions)
    data.review = data.review.model_copy(update={"sign_off_reasons": reasons})
    return "needs_sign_off" if reasons else "within_authority"


def sign_off_reasons(data: ClaimFile, authority: Decimal, actions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why a second person must sign; empty if the reviewer's own approval is enough, which is for the ledger to say."""
    review, suggested = data.review, data.recommendation
    assert review is not None
    reasons = []
    if review.outcome == "deny":
        reasons.append("a denial")
    if any(finding.code == "DUPLICATE_CLAIM" for finding in data.findings):
        reasons.append("files of this claim were sent under another claim number too")
    if any(finding.code == "SAME_LOSS" for finding in data.findings):
        reasons.append("the same loss seems to be claimed under another number")
    if any(finding.code == "ALREADY_PAID" for finding in data.findings):
        reasons.append("the claim has been paid already")
    if review.amount is not None and review.amount > authority:
        reasons.append(f"{review.amount} is above the reviewer's authority of {authority}")
    if data.siu_review is not None:
        reasons.append("a fraud referral")
    if review.outcome == "settle" and suggested and suggested.outcome == "investigate":
        reasons.append("the assessment would investigate first")
    if review.amount is not None and suggested and suggested.amount and differs(review.amount, suggested.amount):
        reasons.append(f"the reviewer's {review.amount} differs from the suggested {suggested.amount}")
    # The payment alone: a letter for another amount than was decided is written and approved anew.
    if not reasons and any(
        actions[purpose].get("status") != ActionStatus.APPROVED for purpose in actions if purpose == PAYMENT
    ):
        reasons.append("the reviewer named the amount or the payee, which nobody had proposed")
    return reasons


def differs(reviewed: Decimal, suggested: Decimal) -> bool:
    """Whether person and assessment disagree about an amount."""
    return abs(reviewed - suggested) > suggested * DISAGREEMENT


def ask_sign_off(step: StepContext, data: ClaimFile2) -> Request:
    """The supervisor's task: exactly what the reviewer decided, with the letter that tells the claimant of it."""
    review = data.review
    assert review is not None
    letter, words = decision_letters.for_sign_off(step, data, review, review.currency or currency_of(data))
    proposals = [letter_proposal(data, letter)]
    if review.outcome == "settle":
        proposals.insert(0, proposal(data, PAYMENT, review.amount or Decimal(0), payee=letter.payee))
    return sign_off_request(data, review, proposals, words)


def sign_off_request(data: ClaimFile, review: Review, proposals: Sequence[Proposal], *words: str) -> Request:
    """What every version asks whoever signs: to answer as the reviewer did is to approve these. `words`: of the letter."""
    settle = review.outcome == "settle"
    outcome = "settle" if settle else "deny"
    amount = review.amount or Decimal(0)
    lines = [
        f"{review.reviewer_name} decided to {outcome}"
        + (f" for {amount} {review.currency}, payee {review.payee}." if settle else "."),
        f"Why: {review.reason}",
        f"Why a second person: {'; '.join(review.sign_off_reasons)}.",
    ]
    if review.provision_id:
        lines.append(f"Provision {review.provision_id}: {review.provision_text}")
    return Request(
        title=f"Sign off claim {data.claim_number}: {outcome}" + (f" {amount}" if settle else ""),
        note="\n\n".join(["\n".join(lines), *words, review_note(data)]),
        evidence=[f.model_dump(mode="json") for f in data.findings],
        proposals=proposals,
        approves={outcome: [proposal.purpose for proposal in proposals]},
        outcomes=[outcome, "refuse"],
        not_by=[review.reviewer],
    )


def take_sign_off(step: StepContext, data: ClaimFile, *, verdict: Literal["approved", "refused"] = "approved") -> None:
    """What the supervisor answered, if that is what led here."""
    answer = step.answer
    if not answer:
        return
    data.sign_off = SignOff(
        verdict=verdict,
        approver=answer["by"],
        approver_name=answer["name"],
        reason=answer["values"]["comment"],
        decided_at=answer["at"],
    )
    # Beside what stands: where one action alone was to be approved again, the other's approval is the one before.
    data.actions = {**data.actions, **{purpose: action["id"] for purpose, action in answer.get("actions", {}).items()}}


def settle(step: StepContext, data: ClaimFile) -> str:
    """Pay once, under the approved action."""
    take_sign_off(step, data)
    review = data.review
    assert review is not None and review.amount is not None
    assert review.payee and review.currency
    paid = step.call(
        PAY,
        action=data.actions[PAYMENT],
        claim=data.claim_number,
        payee=review.payee,
        amount=f"{review.amount:.2f}",
        currency=review.currency,
        purpose=PAYMENT,
    )
    data.settlement = Settlement(
        amount=review.amount,
        currency=review.currency,
        payee=review.payee,
        coverage=review.coverage or "",
        reference=reference(paid, "payment_id"),
        paid_at=step.now,
    )
    return "paid"


def deny(step: StepContext, data: ClaimFile) -> str:
    """Nothing is paid; the letter that follows says why, by whom, and by which provision."""
    take_sign_off(step, data)
    return "denied"
