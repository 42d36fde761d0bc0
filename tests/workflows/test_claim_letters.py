"""The letter of a decision, from its draft to its sending: whoever approves it approves these bytes to this recipient."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.definition import difference
from app.core.workflow import Proposal, Request
from longhaul.testing import FakeStep
from tests.workflows.claims import ANSWERS, claim
from tests.workflows.test_claim_decision import AT, answered
from workflows.insurance_claim import INSURANCE_CLAIM_1, decision_letters
from workflows.insurance_claim.assessing.prompts import LETTER
from workflows.insurance_claim.decision import ask_reviewer, ask_sign_off, decide
from workflows.insurance_claim.models import ClaimFile2, Recommendation
from workflows.insurance_claim.tools import SEND_DECISION, WRITE_LETTER

VERSION_1 = (
    "5e3912da051cd9061c2c0173e810def4be96d56e2a967dc0ef2b79c345fb21ee."
    "5d355ad233769ba82193f4a1c6f2c22a6f45636b084aedca6440c4995881d418.pydantic-2-14"
)


def desk(led_here: str = "", **answer: Any) -> FakeStep:
    """A step; each letter it writes has a hash of its own, told by what the letter says."""

    def write(**params: Any) -> dict[str, Any]:
        said = f"{params['amount']} to {params['recipient']}: {' '.join(params['lines'])} by {params['decided_by']}"
        return {"sha256": f"{abs(hash(said)):064x}"[-64:], "filename": "letter.pdf", "text": said}

    return FakeStep(
        answer=answer,
        cause={"outcome": led_here},
        now=AT,
        calls=ANSWERS | {WRITE_LETTER.name: write},
        asks={LETTER.name: {"text": "We wish you well."}},
        subject="CLM-88214",
    )


def assessed() -> ClaimFile2:
    """A claim for which 1728.00 to Nora Quill is suggested, with the paragraph of its letter."""
    file = claim()
    file.claimant, file.payee = "Nora A. Quill", "Nora Quill"
    file.recommendation = Recommendation(outcome="settle", amount=Decimal("1728.00"), currency="USD")
    assert decision_letters.draft_letter(desk("assessed"), file) == "suggested"
    return file


def letter_of(request: Request) -> Proposal:
    (proposal,) = [each for each in request.proposals if each.purpose.endswith("_letter")]
    return proposal


def settled(amount: str, *, with_letter: bool = True, status: str = "APPROVED") -> dict[str, Any]:
    """The reviewer's answer, and what it approved."""
    paid = {
        "purpose": "payment",
        "payee": "Nora Quill",
        "amount": amount,
        "currency": "USD",
        "coverage": "COLLISION",
        "status": status,
    }
    letter = {"settlement_letter": paid | {"id": "a2"}} if with_letter else {}
    return answered("settle", "ada", actions={"payment": paid | {"id": "a1"}} | letter)


def test_an_approval_is_of_these_bytes_to_this_recipient_and_shows_the_words() -> None:
    file = assessed()
    request = ask_reviewer(desk("suggested"), file)
    proposal, letter = letter_of(request), file.decision_letters[-1]
    assert proposal.content == {"recipient": "Nora A. Quill", "sha256": letter.sha256}
    assert (proposal.amount, proposal.payee) == (Decimal("1728.00"), "Nora Quill")
    assert (proposal.amount_field, proposal.payee_field) == (None, None), "other words would be another letter"
    assert "1728.00 to Nora A. Quill: The payment goes to Nora Quill. We wish you well." in request.note
    assert request.approves == {"settle": ["payment", "settlement_letter"]}


def test_what_was_approved_is_what_is_sent() -> None:
    file = assessed()
    content = letter_of(ask_reviewer(desk("suggested"), file)).content
    assert decide(desk(**settled("1728.00")), file) == "within_authority"
    at = desk()
    decision_letters.send(at, file)
    (sent,) = at.calls_of(SEND_DECISION)
    assert content is not None
    assert content.items() <= sent.items()
    assert [call.action for call in at.called] == ["a2"]
    assert [letter.sha256 for letter in file.letters] == [content["sha256"]]


def test_another_amount_is_another_letter_which_nobody_has_approved_yet() -> None:
    file = assessed()
    first = letter_of(ask_reviewer(desk("suggested"), file))
    assert decide(desk(**settled("1700.00")), file) == "letter_to_approve"
    assert decision_letters.draft_letter(desk("letter_to_approve"), file) == "decided"
    request = ask_reviewer(desk("decided"), file)
    second = letter_of(request)
    assert second.content != first.content
    assert request.defaults == {"amount": "1700.00"}
    assert request.note.startswith("Ada decided to settle for 1700.00 USD, payee Nora Quill.")
    assert decide(desk(**settled("1700.00")), file) == "within_authority"


def test_a_settlement_whose_letter_was_not_proposed_is_not_paid_before_it_is_read() -> None:
    file = claim()
    assert decide(desk(**settled("1728.00", with_letter=False)), file) == "letter_to_approve"


@pytest.mark.parametrize("outcome", ["settle", "deny"])
def test_whoever_signs_is_shown_the_letter_of_what_was_decided(outcome: str) -> None:
    file = assessed()
    ask_reviewer(desk("suggested"), file)
    values = {"comment": "The loss was after the last day.", "provision_id": "1.2", "provision_text": "We cover ..."}
    answer = settled("9000.00", status="PROPOSED") if outcome == "settle" else answered("deny", "ada", values=values)
    assert decide(desk(**answer), file) == "needs_sign_off"
    assert decision_letters.draft_letter(desk("needs_sign_off"), file) == "to_sign"
    request = ask_sign_off(desk("to_sign"), file)
    assert letter_of(request).content == {"recipient": "Nora A. Quill", "sha256": file.decision_letters[-1].sha256}
    said = "9000.00 to Nora A. Quill" if outcome == "settle" else "The loss was after the last day."
    assert said in request.note and "by Ada, and was approved by a second person" in request.note
    assert [p.purpose for p in request.proposals] == (
        ["payment", "settlement_letter"] if outcome == "settle" else ["denial_letter"]
    )


def test_every_letter_that_was_written_stays_named_until_the_run_is_erased() -> None:
    file = assessed()
    ask_reviewer(desk("suggested"), file)
    ask_reviewer(desk("suggested"), file)
    decide(desk(**settled("1700.00")), file)
    ask_reviewer(desk("decided"), file)
    assert len(file.decision_letters) == 2


def test_a_paragraph_is_drafted_once_for_all_letters_of_its_kind() -> None:
    file = assessed()
    decide(desk(**settled("1700.00")), file)
    at = desk("letter_to_approve")
    assert decision_letters.draft_letter(at, file) == "decided"
    assert at.asked == []


def test_version_1_means_what_it_meant_when_its_runs_began() -> None:
    assert difference(VERSION_1, INSURANCE_CLAIM_1.definition_hash) is None


def test_a_reason_of_two_paragraphs_is_no_part_of_the_letter() -> None:
    file = assessed()
    answer = answered("deny", "ada")
    told = {"comment": "First.\n\nSecond.", "provision_id": "4.2", "provision_text": "Nothing is paid.\n\nNever."}
    answer["values"] = told
    assert decide(desk(**answer), file) == "needs_sign_off"
    decision_letters.draft_letter(desk("needs_sign_off"), file)
    note = ask_sign_off(desk("to_sign"), file).note
    assert note.index("Never.") < note.index("The letter to "), "what was decided, then the letter, then what was seen"


@pytest.mark.parametrize("named", ["Nora Quill ", "  "])
def test_a_name_with_blanks_around_it_is_approved_and_sent_alike(named: str) -> None:
    file = assessed()
    file.claimant = named
    answer = answered("deny", "ada")
    assert decide(desk(**answer), file) == "needs_sign_off"
    decision_letters.draft_letter(desk("needs_sign_off"), file)
    proposal, letter = letter_of(ask_sign_off(desk("to_sign"), file)), file.decision_letters[-1]
    assert (proposal.payee, letter.payee) == (letter.payee, letter.payee.strip())
    assert letter.payee and letter.recipient == letter.recipient.strip() != ""


def test_an_amount_within_authority_and_tolerance_needs_nobody_else_though_its_letter_is_anew() -> None:
    file = assessed()
    answer = settled("1700.00")
    answer["actions"]["settlement_letter"]["status"] = "PROPOSED"  # of another amount than was decided
    assert decide(desk(**answer), file) == "letter_to_approve"
    assert file.review is not None and file.review.sign_off_reasons == []
