"""What a reviewer is asked, may answer and is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.core.errors import BadInput
from app.humans.forms import validated
from longhaul.testing import FakeStep
from tests.workflows.claims import ANSWERS, POLICY, claim, ref, with_document
from workflows.insurance_claim.assessing import assess
from workflows.insurance_claim.assessing.note import review_note
from workflows.insurance_claim.decision import ask_reviewer, ask_sign_off, decide
from workflows.insurance_claim.facts import Coverage
from workflows.insurance_claim.forms import ReviewForm
from workflows.insurance_claim.intake import add_documents, request_documents
from workflows.insurance_claim.models import ClaimFile2, Recommendation
from workflows.insurance_claim.tools import WRITE_LETTER

AT = datetime(2031, 5, 21, 9, 0, tzinfo=UTC)


def step(**answer: Any) -> FakeStep:
    """A step that was led to by an answer, or by none."""
    return FakeStep(answer=answer, now=AT, calls=ANSWERS, subject="CLM-88214")


def below_the_deductible() -> ClaimFile2:
    """A claim in order, of which the deductible leaves nothing."""
    coverage = Coverage(code=assess.COVERAGE, name="Collision", deductible=Decimal(5000))
    return claim().model_copy(update={"policy": POLICY.model_copy(update={"coverages": [coverage]})})


@pytest.mark.parametrize("amount", ["0", "0.00", "00", ".5", "-1", "1e3", "1,000.00", "١٢", "1.234"])
def test_what_cannot_be_paid_is_refused_before_it_is_approved(amount: str) -> None:
    with pytest.raises(BadInput, match=r"amount: .*such as 1234\.50"):
        validated(ReviewForm.model_json_schema(), {"comment": "x", "amount": amount}, "settle")


@pytest.mark.parametrize("amount", ["0.01", "12", "1234.5", "100.00"])
def test_what_can_be_paid_is_taken(amount: str) -> None:
    assert validated(ReviewForm.model_json_schema(), {"comment": "x", "amount": amount}, "settle")["amount"] == amount


def test_where_the_deductible_leaves_nothing_the_rules_abstain_and_the_form_suggests_no_amount() -> None:
    file = below_the_deductible()
    suggested = file.recommendation = assess.assess(file)
    assert (suggested.outcome, suggested.amount) == ("abstain", Decimal("0.00"))
    assert "nothing is left to pay" in suggested.reasons[-1].says
    request = ask_reviewer(step(), file)
    assert request.defaults == {"amount": ""}
    denied = {"comment": "x", "amount": "", "provision_id": "3.1", "provision_text": "less the deductible"}
    assert validated(ReviewForm.model_json_schema(), denied, "deny")["provision_id"] == "3.1"


def test_a_suggested_amount_stands_in_the_form() -> None:
    file = claim()
    file.recommendation = Recommendation(outcome="settle", amount=Decimal("1228.00"), currency="USD")
    assert ask_reviewer(step(), file).defaults == {"amount": "1228.00"}


def answered(outcome: str, by: str, **more: Any) -> dict[str, Any]:
    """An answer as the step it leads to sees it."""
    values = {"comment": f"because {by} says so"}
    return {"outcome": outcome, "by": by, "name": by.title(), "at": AT, "authority": "25000", "values": values} | more


def reviewed() -> ClaimFile2:
    """A claim that ada settled for 1728.00 USD."""
    file = claim()
    paid = {
        "id": "a1",
        "purpose": "payment",
        "payee": "Nora Quill",
        "amount": "1728.00",
        "currency": "USD",
        "coverage": "COLLISION",
    }
    decide(step(**answered("settle", "ada", actions={"payment": paid})), file)
    return file


def test_a_reviewer_reads_what_was_refused_by_whom_and_why() -> None:
    file = reviewed()
    note = ask_reviewer(step(**answered("refuse", "sam")), file).note
    assert "Ada decided: settle 1728.00 USD: because ada says so" in note
    assert "Sign-off refused by Sam: because sam says so" in note


def test_a_refusal_is_forgotten_once_somebody_decided_anew() -> None:
    file = reviewed()
    ask_reviewer(step(**answered("refuse", "sam")), file)
    decide(step(**answered("deny", "bela")), file)
    assert file.sign_off is None
    assert "refused" not in ask_sign_off(step(), file).note


@pytest.mark.parametrize("outcome", ["cleared", "fraud_indicated"])
def test_a_reviewer_reads_what_the_investigation_found(outcome: str) -> None:
    note = ask_reviewer(step(**answered(outcome, "viktor")), claim()).note
    assert f"Investigation: {outcome.replace('_', ' ')}, by viktor: because viktor says so" in note


@pytest.mark.parametrize(
    "payload",
    [
        None,
        7,
        "x",
        [],
        {},
        {"documents": 3},
        {"documents": [{"a": 1}]},
        {"documents": ["x"]},
        {"documents": [{"id": "", "sha256": "a", "filename": "f"}]},
    ],
)
def test_an_upload_that_names_no_document_is_noted_and_stops_nothing(payload: Any) -> None:
    file = claim()
    known = list(file.documents)
    add_documents(file, [{"payload": payload}])
    assert file.documents == known
    assert "ask for it again" in review_note(file)


def test_a_document_named_twice_in_one_upload_is_one_document() -> None:
    file = claim()
    said = {"id": "u1", "sha256": "ab" * 32, "filename": "more.pdf"}
    add_documents(file, [{"payload": {"documents": [said, said]}}, {"payload": {"documents": [said]}}])
    assert [ref.id for ref in file.documents].count("u1") == 1
    assert file.notes == []


def test_what_a_reviewer_wrote_for_colleagues_is_in_no_settlement_letter() -> None:
    file = reviewed()
    at = step()
    ask_sign_off(at, file)
    (letter,) = at.calls_of(WRITE_LETTER)
    assert letter["lines"] == ["The payment goes to Nora Quill."]
    assert "because ada says so" not in str(letter)


def test_a_denial_letter_says_why() -> None:
    file = claim()
    values = {"comment": "The loss was after the last day.", "provision_id": "1.2", "provision_text": "We cover ..."}
    decide(step(**answered("deny", "ada", values=values)), file)
    at = step()
    ask_sign_off(at, file)
    assert at.calls_of(WRITE_LETTER)[0]["lines"] == ["The loss was after the last day."]
    assert at.calls_of(WRITE_LETTER)[0]["provision"] == "1.2"


def test_who_sent_a_file_that_cannot_be_read_is_told_which_and_why() -> None:
    file = with_document(claim(), ref("scan", status="unreadable", reason="ENCRYPTED", sentence="for colleagues"))
    file = with_document(file, ref("torn", status="unreadable", reason="CORRUPT"))
    file.missing = ["police_report"]
    at = step()
    request_documents(at, file)
    assert at.calls_of(WRITE_LETTER)[0]["documents"] == ["police_report"]
    assert at.calls_of(WRITE_LETTER)[0]["lines"] == [
        "We could not read the file scan.pdf: it opens only with a password; please send it without one.",
        "We could not read the file torn.pdf: please send it again as a PDF file whose text can be selected.",
    ]
