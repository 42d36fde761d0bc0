"""The second part of a claim: assessed, reviewed by a person, signed off, settled or denied, answered in writing.

The law: nothing is denied and nothing paid without a person, and above the reviewer's authority without a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from app.core.workflow import Proposal, Request
from workflows.insurance_claim import assess, elsewhere, same_loss
from workflows.insurance_claim.draft import drafted
from workflows.insurance_claim.letters import Facts, write
from workflows.insurance_claim.models import ClaimFile, Review, Settlement, SignOff, SiuReview
from workflows.insurance_claim.note import review_note
from workflows.insurance_claim.prompts import LETTER
from workflows.insurance_claim.tools import PAY, SEND_DECISION

PAYMENT, SETTLEMENT_LETTER, DENIAL_LETTER = "payment", "settlement_letter", "denial_letter"
DISAGREEMENT = Decimal("0.10")  # a reviewed amount this far from the suggested one is a disagreement


def assess_claim(step: Any, data: ClaimFile) -> str:
    """Suggest; a person decides, and reads why."""
    data.recommendation = assess.assessed(step, data)
    return "assessed"


def ask_reviewer(step: Any, data: ClaimFile) -> Request:
    """The adjuster's task: everything that was seen, together, and why it comes back if it does."""
    if step.answer.get("outcome") == "refuse":
        take_sign_off(step, data, verdict="refused")
    if step.answer.get("outcome") in ("cleared", "fraud_indicated"):
        answer = step.answer
        data.siu_review = SiuReview(
            outcome=answer["outcome"],
            reviewer=answer["by"],
            reason=answer["values"]["comment"],
            decided_at=answer["at"],
        )
    suggested = data.recommendation.amount if data.recommendation else None
    codes = ", ".join(sorted({f.code for f in data.findings})) or "no findings"
    return Request(
        title=f"Review claim {data.claim_number}: {codes}",
        note=review_note(data),
        defaults={"amount": str(suggested) if suggested else ""},
        evidence=[f.model_dump(mode="json") for f in data.findings],
        proposals=[
            _proposal(data, purpose, suggested or Decimal(0), editable=True) for purpose in (PAYMENT, SETTLEMENT_LETTER)
        ],
        approves={"settle": [PAYMENT, SETTLEMENT_LETTER]},
    )


def _proposal(
    data: ClaimFile, purpose: str, amount: Decimal, *, editable: bool = False, payee: str | None = None
) -> Proposal:
    recipient = {"recipient": data.claimant} if purpose != PAYMENT and data.claimant else None
    return Proposal(
        purpose=purpose, payee=payee or data.payee or "", amount=amount, currency=currency_of(data), coverage=assess.COVERAGE,
        claim=data.claim_number or "", tolerance=DISAGREEMENT,
        evidence={"documents": [ref.sha256 for ref in data.documents], "findings": [f.code for f in data.findings]},
        content=recipient, amount_field="amount" if editable else None, payee_field="payee" if editable else None,
    )  # fmt: skip


def currency_of(data: ClaimFile) -> str:
    """The claim's currency: as stated, else the policy's."""
    return data.currency or (data.policy.currency if data.policy else "USD")


def ask_siu(step: Any, data: ClaimFile) -> Request:
    """The special investigation unit's task."""
    return Request(title=f"Investigate claim {data.claim_number}", note=review_note(data),
                   evidence=[f.model_dump(mode="json") for f in data.findings])  # fmt: skip


def decide(step: Any, data: ClaimFile) -> str:
    """Rules over the reviewer's answer: is it within their authority, or does somebody else sign?"""
    elsewhere.look_again(step, data)
    answer = step.answer
    data.sign_off = None  # a refusal was of the decision before this one
    values, actions = answer["values"], answer.get("actions", {})
    paid = actions.get(PAYMENT)
    data.review = Review(
        outcome=answer["outcome"], reviewer=answer["by"], reviewer_name=answer["name"], reason=values["comment"],
        amount=Decimal(paid["amount"]) if paid else None, currency=paid["currency"] if paid else None,
        payee=paid["payee"] if paid else None, coverage=paid["coverage"] if paid else None,
        provision_id=values.get("provision_id") or None, provision_text=values.get("provision_text") or None,
        decided_at=answer["at"],
    )  # fmt: skip
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
    if not reasons and any(action.get("status") != "APPROVED" for action in actions.values()):
        reasons.append("the reviewer named the amount or the payee, which nobody had proposed")
    return reasons


def differs(reviewed: Decimal, suggested: Decimal) -> bool:
    """Whether person and assessment disagree about an amount."""
    return abs(reviewed - suggested) > suggested * DISAGREEMENT


def ask_sign_off(step: Any, data: ClaimFile) -> Request:
    """The supervisor's task: exactly what the reviewer decided."""
    review = data.review
    assert review is not None
    settle = review.outcome == "settle"
    outcome = "settle" if settle else "deny"
    amount = review.amount or Decimal(0)
    purposes = [PAYMENT, SETTLEMENT_LETTER] if settle else [DENIAL_LETTER]
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
        note="\n".join(lines) + "\n\n" + review_note(data),
        evidence=[f.model_dump(mode="json") for f in data.findings],
        proposals=[_proposal(data, p, amount, payee=review.payee or data.claimant or "the claimant") for p in purposes],
        approves={outcome: purposes},
        outcomes=[outcome, "refuse"],
        not_by=[review.reviewer],
    )


def take_sign_off(step: Any, data: ClaimFile, *, verdict: Literal["approved", "refused"] = "approved") -> None:
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


def settle(step: Any, data: ClaimFile) -> str:
    """Pay once, under the approved action."""
    take_sign_off(step, data)
    review = data.review
    assert review is not None and review.amount is not None
    assert review.payee and review.currency
    paid = step.call(
        PAY, action=data.actions[PAYMENT], claim=data.claim_number, payee=review.payee, amount=f"{review.amount:.2f}",
        currency=review.currency, purpose=PAYMENT,
    )  # fmt: skip
    data.settlement = Settlement(
        amount=review.amount, currency=review.currency, payee=review.payee, coverage=review.coverage or "",
        reference=reference(paid, "payment_id"), paid_at=step.now,
    )  # fmt: skip
    return "paid"


def reference(answer: Any, name: str) -> str:
    """What the other side answered, or who attested that it happened."""
    return str(answer.get(name) or f"attested by {answer.get('attested_by', 'a person')}")


def deny(step: Any, data: ClaimFile) -> str:
    """Nothing is paid; the letter that follows says why, by whom, and by which provision."""
    take_sign_off(step, data)
    return "denied"


def draft_letter(step: Any, data: ClaimFile) -> str:
    """The free paragraph of the letter; all that the letter states comes from what was approved."""
    data.paragraph, data.drafted_by = drafted(step, data, LETTER)
    return "drafted"


def correspond(step: Any, data: ClaimFile) -> str:
    """Write and send the letter of the decision, under its own approved action."""
    review = data.review
    assert review is not None
    settled = data.settlement is not None
    by = review.reviewer_name + (f", signed off by {data.sign_off.approver_name}" if data.sign_off else "")
    # Why a claim is denied is owed to the claimant; why it is paid was written for colleagues.
    told = f"The payment goes to {review.payee}." if settled else review.reason
    lines = [line for line in (told, data.paragraph) if line]
    letter = write(
        step, data, "settlement" if settled else "denial",
        Facts(lines=lines, amount=f"{review.amount:.2f}" if settled and review.amount is not None else None,
              provision=review.provision_id, provision_text=review.provision_text, decided_by=by),
    )  # fmt: skip
    purpose = SETTLEMENT_LETTER if settled else DENIAL_LETTER
    payee = review.payee or data.claimant or "the claimant"
    answer = step.call(
        SEND_DECISION, action=data.actions[purpose], claim=data.claim_number, kind=letter.kind, recipient=data.claimant or payee,
        sha256=letter.sha256, purpose=purpose, payee=payee, amount=f"{review.amount or 0:.2f}",
        currency=review.currency or currency_of(data),
    )  # fmt: skip
    data.letters = [
        *data.letters,
        letter.model_copy(update={"reference": reference(answer, "letter_id"), "sent_at": step.now}),
    ]
    return "sent"
