"""insurance_claim: documents come in, are read and checked, a person reviews, a supervisor signs off, money moves, a letter goes out.

Never an automatic denial: every way out of DECIDING rests on a person's answer, and a denial on two. The letter is written
before it is approved: whoever approves has read it.
"""

from __future__ import annotations

from app.core.lifecycle import Status
from app.core.retry import PATIENT
from app.core.workflow import Children, Human, Step, Wait, Workflow
from workflows.insurance_claim import decision, decision_letters, intake
from workflows.insurance_claim.forms import ReviewForm, SignOffForm, SiuForm
from workflows.insurance_claim.models import ClaimFile2

# A definition is read as a table: a state, what it does and where it leads, together.
# fmt: off
INSURANCE_CLAIM = Workflow(
    name="insurance_claim",
    version=2,
    data=ClaimFile2,
    starts_at="RECEIVED",
    expected="10d",
    token_budget=80_000,  # five documents read by a model, an assessment of three requests, a letter; rules use none
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
             then={"assessed": "DRAFTING_LETTER"}),
        Step("DRAFTING_LETTER", does=decision_letters.draft_letter, expected="1s", timeout="2m", retry=PATIENT,
             then={"suggested": "AWAITING_HUMAN_REVIEW", "decided": "AWAITING_HUMAN_REVIEW", "to_sign": "AWAITING_SIGN_OFF"}),
        Human("AWAITING_HUMAN_REVIEW", asks=decision.ask_reviewer, form=ReviewForm, role="adjuster", due="48h",
              then={"settle": "DECIDING", "deny": "DECIDING", "more_information": "REQUESTING_DOCUMENTS",
                    "refer_to_siu": "AWAITING_SIU_REVIEW"}),
        Human("AWAITING_SIU_REVIEW", asks=decision.ask_siu, form=SiuForm, role="siu", due="5d",
              then={"cleared": "AWAITING_HUMAN_REVIEW", "fraud_indicated": "AWAITING_HUMAN_REVIEW"}),
        Step("DECIDING", does=decision.decide, expected="1s", timeout="1m",
             then={"within_authority": "SETTLING", "letter_to_approve": "DRAFTING_LETTER", "needs_sign_off": "DRAFTING_LETTER"}),
        Human("AWAITING_SIGN_OFF", asks=decision.ask_sign_off, form=SignOffForm, role="supervisor", due="48h",
              then={"settle": "SETTLING", "deny": "DENYING", "refuse": "AWAITING_HUMAN_REVIEW"}),
        Step("SETTLING", does=decision.settle, expected="5s", timeout="3m", retry=PATIENT, then={"paid": "SENDING_CORRESPONDENCE"}),
        Step("DENYING", does=decision.deny, expected="1s", timeout="1m", then={"denied": "SENDING_CORRESPONDENCE"}),
        Step("SENDING_CORRESPONDENCE", does=decision_letters.send, expected="5s", timeout="3m", retry=PATIENT,
             then={"sent": "COMPLETE"}),
    ],
)
# fmt: on
