"""A quote is shown where it stands: the page's picture and the places of its words agree with the page's text."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest
from fpdf import FPDF
from PIL import Image

from app.core.errors import NotFound
from app.documents.page_images import PageImages, places_of
from app.documents.reader import PageShown, ReadLimits, WordPlace, read_document, show_page
from app.documents.storage import DocumentStore
from tests.documents.pdfs import pdf_of, raw_pdf


def invoice(*, turn: int = 0) -> bytes:
    pdf = FPDF(format="Letter")
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for number, (label, value) in enumerate([("Subtotal", "1,190.40"), ("Tax", "59.60"), ("Grand total", "1,250.00")]):
        pdf.text(20, 40 + 9 * number, label)
        pdf.text(130, 40 + 9 * number, value)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(bytes(pdf.output())))
    writer.pages[0].rotate(turn)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def dark_share(shown: PageShown, place: WordPlace) -> float:
    """Which part of a place on the picture is ink."""
    picture = Image.open(io.BytesIO(shown.png)).convert("L")
    left, right = round(place.left * shown.width), round(place.right * shown.width)
    top, bottom = round(place.top * shown.height), round(place.bottom * shown.height)
    histogram = picture.crop((left, top, right, bottom)).histogram()
    return sum(histogram[:128]) / max(sum(histogram), 1)


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_quote_is_found_on_the_picture_where_its_ink_is(store: DocumentStore, turn: int) -> None:
    sha256 = store.put(invoice(turn=turn), "a.pdf").sha256
    shown = PageImages(store).page(sha256, 1)
    places = places_of("Grand total", shown.words)  # one a line, or one a letter where lines stand upright
    assert (len(places) == 1) == (turn % 180 == 0)
    assert all(dark_share(shown, place) > 0.1 for place in places)
    ink = sum(Image.open(io.BytesIO(shown.png)).convert("L").histogram()[:128])
    inside = sum(
        dark_share(shown, word) * (word.right - word.left) * (word.bottom - word.top) * shown.width * shown.height
        for word in shown.words
    )
    assert inside == pytest.approx(ink, rel=0.1)  # all of the page's ink lies where its words are said to be


def test_every_quote_that_stands_in_the_text_has_a_place(store: DocumentStore) -> None:
    with store.opened(store.put(invoice(), "a.pdf").sha256) as document:
        text = read_document(document).pages[0].text
    words = PageImages(store).page(store.put(invoice(), "a.pdf").sha256, 1).words
    for line in filter(None, text.splitlines()):
        (place,) = places_of(line, words)
        assert place.text.split() == line.split()
    assert len(places_of(text, words)) == 3
    assert places_of("Grand Total 9", words) == places_of("", words) == []


def test_a_page_is_drawn_once_and_goes_with_its_document(store: DocumentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = store.put(pdf_of("Policy PX-100"), "a.pdf").sha256
    first = PageImages(store).page(sha256, 1)
    monkeypatch.setattr("app.documents.page_images.show_page", lambda *_: pytest.fail("it was drawn again"))
    assert PageImages(store).page(sha256, 1) == first
    store.erase(sha256)
    with pytest.raises(NotFound):
        PageImages(store).page(sha256, 1)


def test_the_words_of_a_scan_are_those_ocr_found(store: DocumentStore) -> None:
    sha256 = store.put(pdf_of("seen"), "a.pdf").sha256
    found = [WordPlace(text="recognised", left=0.1, top=0.1, right=0.3, bottom=0.2)]
    PageImages(store).keep_words(sha256, 1, found)
    assert PageImages(store).page(sha256, 1).words == found


@pytest.mark.parametrize("size", [b"0 0 14400 14400", b"0 0 200000 300", b"0 0 1000000000 1000000000"])
def test_a_huge_page_is_drawn_coarsely_and_never_larger_than_allowed(tmp_path: Path, size: bytes) -> None:
    path = tmp_path / "document"
    path.write_bytes(raw_pdf(b"BT /F 90 Tf (word) Tj ET", mediabox=size))
    shown = show_page(path, 1, limits=ReadLimits(pixels=500_000))
    assert (shown.status == "read" and shown.width * shown.height <= 510_000) or shown.reason is not None


def test_what_has_no_such_page_or_no_pages_says_so(store: DocumentStore) -> None:
    pages = PageImages(store)
    assert pages.page(store.put(pdf_of("one"), "a.pdf").sha256, 2).reason == "NO_SUCH_PAGE"
    assert pages.page(store.put(b"words", "a.txt").sha256, 1).reason == "UNSUPPORTED_TYPE"
    assert pages.page(store.put(b"", "a.pdf").sha256, 1).status == "unreadable"
