"""A scan is read a page at a time: whoever is killed among its pages loses the page in hand, and no other."""

from __future__ import annotations

import io
import re
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random

import pypdf
import pypdfium2
import pytest

from app.documents.reader import can_read_scans
from app.documents.storage import DocumentStore
from tests.documents.pdfs import jpeg, pdf_of, scan_of
from tests.support.claims import Office
from tests.support.stack import MakeStack
from workflows.document_reading import DOCUMENT_READING, DocumentReading

pytestmark = [
    pytest.mark.guarantee,
    pytest.mark.skipif(not can_read_scans(), reason="the extra 'ocr' is not installed"),
]
DEDUCTIBLE = 250  # of the collision cover in that sample
OCR_SECONDS = 120.0  # three pages of it, on a machine that has other things to do


def three_pages() -> bytes:
    writer = pypdf.PdfWriter()
    for number in (1, 2, 3):
        writer.append(io.BytesIO(scan_of(pdf_of(f"Page number {number}"), quality=40)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_reader_killed_among_the_pages_of_a_scan_reads_no_finished_page_again(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.workers(2, kept=True)
    stack.beat()
    folder = stack.folder / "data" / "documents"
    stored = DocumentStore(folder).put(three_pages(), "scan.pdf")
    words_of_page_1 = folder / stored.sha256[:2] / f"{stored.sha256}.made" / "words-1.json"

    stack.faults.arm("after_intent", 3)  # the document, page 1, and then this
    data = DocumentReading(document_id="d1", sha256=stored.sha256, filename="scan.pdf")
    run_id = stack.start(DOCUMENT_READING, "scan", data)
    stack.until_done("after_intent", 3)
    first_written = words_of_page_1.stat()
    stack.until_complete(run_id, seconds=OCR_SECONDS)

    assert words_of_page_1.stat().st_ino == first_written.st_ino, "page 1 was read again"
    calls = {row["call_seq"]: row for row in stack.checkpoints(run_id) if row["call_seq"]}
    assert [calls[seq]["name"] for seq in (1, 2, 3, 4)] == ["documents.read", *["documents.read_scan"] * 3]
    assert stack.events(run_id).count("reassigned") == 1
    read = stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)[0]["data"]
    assert (read["status"], read["pages"], read["pages_without_text"]) == ("read", 3, [])


def photographed(folder: Path) -> int:
    """Put a photograph in the place of each page of the folder's documents; how many."""
    taken = 0
    for paper in sorted(folder.glob("*.pdf")):
        with pypdfium2.PdfDocument(paper.read_bytes()) as document:
            for number, page in enumerate(document, start=1):
                picture = page.render(scale=150 / 72, grayscale=True).to_pil()
                paper.with_name(f"{paper.stem}-{number}.jpg").write_bytes(jpeg(picture, Random(number), 0.03, 80))
                taken += 1
        paper.unlink()
    return taken


def billed(folder: Path) -> Decimal:
    """The total of the folder's bill, as its text layer has it."""
    with pypdfium2.PdfDocument((folder / "invoice.pdf").read_bytes()) as document:
        found = re.search(r"^Total\s+([\d,.]+)", document[0].get_textpage().get_text_range(), re.MULTILINE)
    assert found
    return Decimal(found[1].replace(",", ""))


def test_a_claim_sent_as_photographs_is_paid_what_its_documents_say(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean", 1)  # photographs alone, no sheet of data beside them
        total = billed(sample.folder)
        assert photographed(sample.folder) >= 3
        run_id = office.submit(sample.folder, sample.key)
        office.settle(run_id)
        stack.until_complete(run_id)
        claim = office.data(run_id)
    assert claim["findings"] == []
    ((amount,),) = stack.payments.rows(f"SELECT amount FROM payments WHERE claim = '{sample.claim}'")
    assert Decimal(str(amount)) == total - DEDUCTIBLE
