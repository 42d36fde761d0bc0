"""Version 1 of the claim, for the runs that began with it: their decision's letter is written after its approval.

The law: nothing here changes, for those runs are pinned to it; no new run begins with it. Once `longhaul check` is
content without it, this file goes, and with it its place in `workflows/__init__.py`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from app.core.lifecycle import Status
from app.core.retry import PATIENT
from app.core.step import StepContext
from app.core.workflow import Children, Human, Proposal, Request, Step, Wait, Workflow
from workflows.insurance_claim import decision, intake
from workflows.insurance_claim.assessing.draft import drafted
from workflows.insurance_claim.assessing.prompts import LETTER
from workflows.insurance_claim.decision import PAYMENT
from workflows.insurance_claim.decision_letters import DENIAL_LETTER, SETTLEMENT_LETTER
from workflows.insurance_claim.forms import ReviewForm, SignOffForm, SiuForm
from workflows.insurance_claim.letters import Facts, file_sent, reference, write
from workflows.insurance_claim.models import ClaimFile
from workflows.insurance_claim.tools import SEND_DECISION


def ask_reviewer(step: StepContext, data: ClaimFile) -> Request:
    """The adjuster's task."""
    decision.hear_answer(step, data)
    amount = (data.recommendation.amount if data.recommendation else None) or Decimal(0)
    proposals = [
        _proposal(data, purpose, amount, editable=True, payee=data.payee or "")
        for purpose in (PAYMENT, SETTLEMENT_LETTER)
    ]
    return decision.review_request(data, proposals)


def _proposal(data: ClaimFile, purpose: str, amount: Decimal, *, editable: bool = False, payee: str) -> Proposal:
    recipient = {"recipient": data.claimant} if purpose != PAYMENT and data.claimant else None
    return replace(decision.proposal(data, purpose, amount, editable=editable, payee=payee), content=recipient)


def decide(step: StepContext, data: ClaimFile) -> str:
    """Rules over the reviewer's answer."""
    return decision.weigh(step, data)


def ask_sign_off(step: StepContext, data: ClaimFile) -> Request:
    """The supervisor's task."""
    review = data.review
    assert review is not None
    purposes = [PAYMENT, SETTLEMENT_LETTER] if review.outcome == "settle" else [DENIAL_LETTER]
    payee = review.payee or data.claimant or "the claimant"
    proposals = [_proposal(data, p, review.amount or Decimal(0), payee=payee) for p in purposes]
    return decision.sign_off_request(data, review, proposals)


def draft_letter(step: StepContext, data: ClaimFile) -> str:
    """The free paragraph of the letter."""
    data.paragraph, data.drafted_by = drafted(step, data, LETTER, "settlement" if data.settlement else "denial")
    return "drafted"


def correspond(step: StepContext, data: ClaimFile) -> str:
    """Write and send the letter of the decision."""
    review = data.review
    assert review is not None
    settled = data.settlement is not None
    by = review.reviewer_name + (f", signed off by {data.sign_off.approver_name}" if data.sign_off else "")
    told = f"The payment goes to {review.payee}." if settled else review.reason
    letter = write(
        step,
        data,
        "settlement" if settled else "denial",
        Facts(
            lines=[line for line in (told, data.paragraph) if line],
            decided_by=by,
            amount=f"{review.amount:.2f}" if settled and review.amount is not None else None,
            provision=review.provision_id,
            provision_text=review.provision_text,
        ),
    )
    purpose = SETTLEMENT_LETTER if settled else DENIAL_LETTER
    payee = review.payee or data.claimant or "the claimant"
    answer = step.call(
        SEND_DECISION,
        action=data.actions[purpose],
        claim=data.claim_number,
        kind=letter.kind,
        recipient=data.claimant or payee,
        sha256=letter.sha256,
        purpose=purpose,
        payee=payee,
        amount=f"{review.amount or 0:.2f}",
        currency=review.currency or decision.currency_of(data),
    )
    file_sent(data, letter, reference(answer, "letter_id"), at=step.now)
    return "sent"


for _function in (ask_reviewer, decide, ask_sign_off, draft_letter, correspond):
    _function.__module__ = decision.__name__  # where the definition that runs are pinned to found it

# A definition is read as a table: a state, what it does and where it leads, together.
# fmt: off
INSURANCE_CLAIM_1 = Workflow(
    name="insurance_claim",
    version=1,
    data=ClaimFile,
    starts_at="RECEIVED",
    expected="10d",
    token_budget=80_000,
    names=intake.other_names,
    endings={"COMPLETE": Status.COMPLETE},
    states=[
        Step("RECEIVED", does=intake.receive, expected="1s", timeout="1m", then={"received": "ACKNOWLEDGING"}),
        Step("ACKNOWLEDGING", does=intake.acknowledge, expected="2s", timeout="2m", retry=PATIENT,
             then={"acknowledged": "CHECKING_COVERAGE"}),
        Step("CHECKING_COVERAGE", does=intake.check_coverage, expected="1s", timeout="2m", retry=PATIENT,
             then={"documents_here": "EXTRACTING_DATA", "no_documents": "VALIDATING"}),
        Wait("WAITING_FOR_DOCUMENT", event="document_uploaded", expires="14d", reason=intake.what_is_missing,
             then={"document_uploaded": "EXTRACTING_DATA", "expired": "AWAITING_HUMAN_REVIEW"}),
        Children("EXTRACTING_DATA", starts=intake.reading, expected="2m", then={"ended": "VALIDATING"}),
        Step("VALIDATING", does=intake.validate, expected="2s", timeout="2m", retry=PATIENT,
             then={"complete": "ASSESSING", "documents_missing": "REQUESTING_DOCUMENTS"}),
        Step("REQUESTING_DOCUMENTS", does=intake.request_documents, expected="2s", timeout="2m", retry=PATIENT,
             then={"requested": "WAITING_FOR_DOCUMENT"}),
        Step("ASSESSING", does=decision.assess_claim, expected="1s", timeout="8m", retry=PATIENT,
             then={"assessed": "AWAITING_HUMAN_REVIEW"}),
        Human("AWAITING_HUMAN_REVIEW", asks=ask_reviewer, form=ReviewForm, role="adjuster", due="48h",
              then={"settle": "DECIDING", "deny": "DECIDING", "more_information": "REQUESTING_DOCUMENTS",
                    "refer_to_siu": "AWAITING_SIU_REVIEW"}),
        Human("AWAITING_SIU_REVIEW", asks=decision.ask_siu, form=SiuForm, role="siu", due="5d",
              then={"cleared": "AWAITING_HUMAN_REVIEW", "fraud_indicated": "AWAITING_HUMAN_REVIEW"}),
        Step("DECIDING", does=decide, expected="1s", timeout="1m",
             then={"within_authority": "SETTLING", "needs_sign_off": "AWAITING_SIGN_OFF"}),
        Human("AWAITING_SIGN_OFF", asks=ask_sign_off, form=SignOffForm, role="supervisor", due="48h",
              then={"settle": "SETTLING", "deny": "DENYING", "refuse": "AWAITING_HUMAN_REVIEW"}),
        Step("SETTLING", does=decision.settle, expected="5s", timeout="3m", retry=PATIENT, then={"paid": "DRAFTING_LETTER"}),
        Step("DENYING", does=decision.deny, expected="1s", timeout="1m", then={"denied": "DRAFTING_LETTER"}),
        Step("DRAFTING_LETTER", does=draft_letter, expected="1s", timeout="2m", retry=PATIENT,
             then={"drafted": "SENDING_CORRESPONDENCE"}),
        Step("SENDING_CORRESPONDENCE", does=correspond, expected="5s", timeout="3m", retry=PATIENT,
             then={"sent": "COMPLETE"}),
    ],
)
# fmt: on
