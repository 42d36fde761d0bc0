"""The claim file survives JSON, and the note says what was seen, what is doubtful and what was not read."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.claims import TODAY, claim, fact, facts, ref, with_document, with_facts
from workflows.insurance_claim.assessing.note import MAX_CHARACTERS, review_note
from workflows.insurance_claim.checks import check_claim, required_documents
from workflows.insurance_claim.models import ClaimFile2, Review, Settlement


def checked(file: ClaimFile2) -> ClaimFile2:
    return file.model_copy(update={"findings": check_claim(file, TODAY), "missing": required_documents(file)})


def test_a_claim_file_survives_json_with_amounts_as_strings() -> None:
    file = checked(with_facts(claim(), "report", date_of_loss=fact("2031-05-11")))
    file.review = Review(outcome="settle", reviewer="u1", amount=Decimal("1728.10"), currency="USD")
    file.settlement = Settlement(amount=Decimal("1728.10"), currency="USD", payee="Nora Quill")
    assert ClaimFile2.model_validate_json(file.model_dump_json()) == file
    dumped = file.model_dump(mode="json")
    assert dumped["settlement"]["amount"] == "1728.10"
    assert dumped["extractions"][2]["lines"][0]["amount"] == "940.00"
    assert ClaimFile2.model_validate(dumped) == file


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_no_amount_loses_a_cent_in_json(amount: Decimal) -> None:
    file = ClaimFile2(claim_number="C-1", amount_claimed=amount)
    assert ClaimFile2.model_validate_json(file.model_dump_json()).amount_claimed == amount


def test_the_note_names_document_page_and_reason() -> None:
    file = with_facts(claim(), "report", date_of_loss=fact("2031-05-11", page=3, quote="Date: 11 May 2031"))
    file = with_document(file, ref("scan", status="unreadable", reason="ENCRYPTED", sentence="It needs a password."))
    file = with_document(file, ref("photo", pages=4, pages_without_text=[2, 3]), facts("photo", "photos", {}))
    note = review_note(checked(file))
    for said in (
        "Claim CLM-88214",
        "form.pdf: claim form (confidence 95%)",
        "date of loss: 2031-05-11 (page 3: “Date: 11 May 2031”)",
        "[blocking] DATE_OF_LOSS_CONFLICT: The documents give different dates of loss",
        "Uncertain because: One may be the date of the report",
        "scan.pdf: ENCRYPTED. It needs a password.",
        "photo.pdf: page 2, 3 holds no text.",
    ):
        assert said in note


def test_a_claim_without_findings_says_so() -> None:
    note = review_note(checked(claim()))
    assert "No check found anything" in note
    assert "every page of every document was read" in note


def test_an_ambiguous_date_is_a_doubt() -> None:
    file = with_facts(claim(), "form", date_of_loss=fact(None, raw="05/12/2031", problem="ambiguous"))
    assert "form.pdf: date of loss '05/12/2031' can be read in more than one way" in review_note(checked(file))


def test_missing_documents_are_named() -> None:
    assert "- Missing: police report" in review_note(checked(ClaimFile2(claim_number="C-1")))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 120), st.text(max_size=2000))
def test_the_note_is_bounded_and_counts_what_it_leaves_out(documents: int, text: str) -> None:
    file = claim()
    for number in range(documents):
        said = facts(f"x{number}", "other", {"place": fact("here", quote=text or "x")})
        file = with_document(file, ref(f"x{number}", filename=f"{number}{text[:200]}.pdf"), said)
    file = checked(file)
    note = review_note(file)
    assert len(note) <= MAX_CHARACTERS
    assert ("more lines, in the claim file" in note) or documents < 60
