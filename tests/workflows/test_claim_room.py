"""However much is sent, the claim file holds it or says what it does not hold."""

from __future__ import annotations

from app.insurance.reading.extraction import DocumentFacts
from tests.workflows.claims import BILL, FORM, TODAY, claim, facts, line, ref
from workflows.insurance_claim.checks import check_claim, required_documents
from workflows.insurance_claim.intake import gather
from workflows.insurance_claim.models import ClaimFile2

LIMIT = 262_144  # characters a run's data may have


def read(file: ClaimFile2, said: list[DocumentFacts]) -> ClaimFile2:
    """The claim once children have read these documents too."""
    file.documents = [*file.documents, *(ref(found.document_id, status="received") for found in said)]
    children = [
        {
            "status": "COMPLETE",
            "data": {
                "document_id": f.document_id,
                "sha256": f.document_id,
                "filename": f.document_id,
                "status": "read",
                "facts": f.model_dump(mode="json"),
            },
        }
        for f in said
    ]
    gather(file, children)
    file.findings, file.missing = check_claim(file, TODAY), required_documents(file)
    return file


def test_bills_of_thousands_of_lines_lose_their_lines_and_say_so() -> None:
    lines = [line(f"bracket number {n} of the front bumper", "120.00") for n in range(400)]
    file = read(claim(), [facts(f"bill{n}", "repair_invoice", BILL, lines) for n in range(8)])
    assert len(file.model_dump_json()) < LIMIT
    without = [
        found for found in file.extractions if any("400 billed lines are left out" in note for note in found.notes)
    ]
    assert without and all(found.lines == [] for found in without)
    assert {ref.status for ref in file.documents} == {"read"}
    bare = {found.document_id for found in without}
    assert not any(f.code == "LINES_DO_NOT_ADD_UP" and f.evidence[0].document in bare for f in file.findings)


def test_a_hundred_documents_fit_or_go_to_a_person() -> None:
    file = read(claim(), [facts(f"report{n}", "police_report", FORM) for n in range(97)])
    assert len(file.model_dump_json()) < LIMIT
    full = {ref.id for ref in file.documents if ref.reason == "CLAIM_FILE_FULL"}
    assert full.isdisjoint(found.document_id for found in file.extractions)
    assert len(full) + len(file.extractions) == 100
    unread = {f.evidence[0].document for f in file.findings if f.code == "UNREADABLE_DOCUMENT"}
    assert unread == full
    assert file.missing == []  # nobody is asked again for what was sent


def test_a_claim_of_common_size_is_kept_whole() -> None:
    before = claim().extractions
    file = read(claim(), [])
    assert file.extractions == before
