"""A scan is read by OCR, word by word with its place; what OCR is not sure of is said, and nothing is made up."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from fpdf import FPDF
from PIL import Image

from app.documents import reader
from app.documents.reader import ReadLimits, ScanRead, can_read_scans, read_document, read_scan, show_page
from tests.documents.pdfs import drawing_only, jpeg, pdf_of, scan_of

needs_ocr = pytest.mark.skipif(not can_read_scans(), reason="the extra 'ocr' is not installed")
ROWS = [("Date of loss", "12 May 2031"), ("Policy", "GX 410-77"), ("Subtotal", "1,190.40"), ("Grand total", "1,250.00")]


def table() -> bytes:
    pdf = FPDF(format="Letter")
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    for number, (label, value) in enumerate(ROWS):
        pdf.text(20, 40 + 9 * number, label)
        pdf.text(130, 40 + 9 * number, value)
    return bytes(pdf.output())


def kept(folder: Path, data: bytes) -> Path:
    path = folder / "document"
    path.write_bytes(data)
    return path


@cache
def lain(turn: int) -> ScanRead:
    """The table as read from a scan that lay turned on the glass. Read once: a page of OCR takes seconds."""
    with TemporaryDirectory() as folder:
        path = kept(Path(folder), scan_of(table(), turn=turn, skew=1.2))
        assert read_document(path).scanned == [1]
        return read_scan(path, 1)


@needs_ocr
@pytest.mark.parametrize("turn", [0, 90, 180])
def test_a_scan_keeps_its_lines_and_columns_however_it_lay_on_the_glass(turn: int) -> None:
    read = lain(turn)
    assert (read.status, read.unsure, read.sure > 0.9) == ("read", [], True)
    lines = [line.split("   ") for line in read.text.splitlines()]
    assert [(line[0].strip(), line[-1].strip()) for line in lines] == ROWS
    assert read.engine.startswith("rapidocr/")


@needs_ocr
@pytest.mark.parametrize("turn", [0, 90, 180])
def test_the_place_of_each_word_is_where_it_is_on_the_page_as_shown(turn: int) -> None:
    words = {word.text: word for word in lain(turn).words}
    total = words["1,250.00"]
    x, y = (total.left + total.right) / 2, (total.top + total.bottom) / 2
    flat = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y)}[turn]  # turned back to the right
    assert flat == pytest.approx((140 / 215.9, 65.5 / 279.4), abs=0.02)


@needs_ocr
def test_a_picture_is_a_page_like_any_other(tmp_path: Path) -> None:
    scan = Image.open(kept(tmp_path, show_page(kept(tmp_path, table()), 1).png))
    path = kept(tmp_path, jpeg(scan.convert("L"), Random(1), 0.02, 80))
    found = read_document(path)
    assert (found.status, found.reason, found.scanned) == ("unreadable", "NO_TEXT_LAYER", [1])
    assert "1,250.00" in read_scan(path, 1).text


@needs_ocr
def test_one_line_on_an_empty_page_is_not_overlooked(tmp_path: Path) -> None:
    read = read_scan(kept(tmp_path, scan_of(pdf_of("Page number 1"))), 1)
    assert read.text.strip() == "Page number 1"
    first = read.words[0]
    assert (first.left, first.top) == pytest.approx((10 / 210, 10 / 297), abs=0.02)


@needs_ocr
def test_a_drawing_without_words_goes_to_a_person(tmp_path: Path) -> None:
    read = read_scan(kept(tmp_path, drawing_only()), 1)
    assert (read.status, read.reason, read.text) == ("unreadable", "NO_WORDS_FOUND", "")


@needs_ocr
def test_a_scan_drowned_in_noise_is_illegible_or_says_which_lines_are_unsure(tmp_path: Path) -> None:
    read = read_scan(kept(tmp_path, scan_of(table(), grain=0.85, quality=8)), 1)
    wrong = [
        line for line in read.text.splitlines() if not any(label in line and value in line for label, value in ROWS)
    ]
    assert read.status == "unreadable" or read.unsure or not wrong


@needs_ocr
def test_what_a_page_of_ocr_may_cost_is_limited(tmp_path: Path) -> None:
    path = kept(tmp_path, scan_of(table()))
    slow = read_scan(path, 1, limits=ReadLimits(cpu_seconds=1, memory_bytes=2 << 30))
    assert (slow.reason, "SIGXCPU" in slow.sentence) == ("LIMIT_EXCEEDED", True)
    assert read_scan(path, 2).reason == "NO_SUCH_PAGE"


def test_without_ocr_a_scan_goes_to_a_person_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "can_read_scans", lambda: False)
    path = kept(tmp_path, scan_of(table()))
    found = read_document(path)
    assert (found.status, found.reason, found.scanned) == ("unreadable", "NO_TEXT_LAYER", [])
    assert "OCR" in found.sentence and "not installed" in found.sentence
    with pytest.raises(reader.ReaderFailed, match="extra 'ocr'"):
        read_scan(path, 1)
