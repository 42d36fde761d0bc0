"""Bad content is an answer, never an exception; good content keeps its lines and columns."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, TextStringObject

from app.core.errors import NotFound
from app.documents.child.answers import answer_to
from app.documents.confined import asked
from app.documents.reader import ReadLimits, ReadResult, read_document
from app.documents.unseen import storable
from tests.documents.pdfs import drawing_only, encrypted, pdf_of, raw_pdf

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero bytes": (lambda: b"", "EMPTY_FILE"),
    "truncated": (lambda: pdf_of("Claim form")[:600], "CORRUPT"),
    "noise with a header": (lambda: b"%PDF-1.4\n" + bytes(range(256)) * 64 + b"\n%%EOF", "CORRUPT"),
    "page tree loop": (lambda: raw_pdf(b"").replace(b"[3 0 R ]", b"[2 0 R ]"), "CORRUPT"),
    "password": (lambda: encrypted(pdf_of("Claim form"), password="secret"), "ENCRYPTED"),
    "stream bomb": (lambda: raw_pdf(bytes(1 << 28)), "LIMIT_EXCEEDED"),
    "bomb in a form": (lambda: raw_pdf(b"/X Do", form=b" " * (1 << 27)), "LIMIT_EXCEEDED"),
    "60 MB of operators": (
        lambda: raw_pdf(b"BT /F 9 Tf (aaaaaaaaaaaaaaaaaaaaaa) Tj ET\n" * 1_400_000),
        "LIMIT_EXCEEDED",
    ),
    "201 pages": (lambda: raw_pdf(b"", pages=201), "TOO_MANY_PAGES"),
    "drawing only": (drawing_only, "NO_TEXT_LAYER"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(64), "CORRUPT"),
    "archive": (lambda: b"PK\x03\x04" + bytes(64), "UNSUPPORTED_TYPE"),
    "too much text": (lambda: b"words " * 400_000, "LIMIT_EXCEEDED"),
    "201 text pages": (lambda: b"page\f" * 201, "TOO_MANY_PAGES"),
    "blank text": (lambda: b" \n\n \n", "NO_TEXT_LAYER"),
}


def read(folder: Path, data: bytes, limits: ReadLimits | None = None) -> ReadResult:
    path = folder / "document"
    path.write_bytes(data)
    return read_document(path, limits=limits)


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_document_is_unreadable_with_its_reason(tmp_path: Path, name: str) -> None:
    make, reason = HOSTILE[name]
    result = read(tmp_path, make())
    assert (result.status, result.reason, result.pages) == ("unreadable", reason, [])
    assert result.sentence.endswith(".")
    assert ReadResult.model_validate_json(result.model_dump_json()) == result


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_to_a_pdf_makes_the_reader_raise(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(pdf_of("Policy number: PX-100"))
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    result = read(tmp_path, bytes(whole))
    assert (result.status == "read") == bool(result.pages) == (result.reason is None)


def test_a_filter_nobody_knows_is_no_fault_of_the_machine(tmp_path: Path) -> None:
    result = read(tmp_path, raw_pdf(b"BT (word) Tj ET").replace(b"/FlateDecode", b"/ClateDecode"))
    assert result.status == "unreadable"


def test_cpu_time_is_limited(tmp_path: Path) -> None:
    words = b"".join(b"BT /F 9 Tf 1 0 0 1 %d %d Tm (word) Tj ET\n" % (x % 600, x // 600) for x in range(200_000))
    busy = raw_pdf(words, pages=40)  # about ten seconds of work
    result = read(tmp_path, busy, ReadLimits(cpu_seconds=1, content_bytes=1 << 30))
    assert (result.reason, "SIGXCPU" in result.sentence) == ("LIMIT_EXCEEDED", True)


def test_memory_is_limited(tmp_path: Path) -> None:
    hungry = raw_pdf(b"BT /F 9 Tf (word) Tj ET\n" * 1_000_000)
    result = read(tmp_path, hungry, ReadLimits(memory_bytes=160 * 1024 * 1024))
    assert result.reason == "LIMIT_EXCEEDED"


def test_a_pdf_is_read_page_by_page_with_the_engine_named(tmp_path: Path) -> None:
    result = read(tmp_path, pdf_of("Policy number: PX-100", "Claimant: Nora Quill"))
    assert result.status == "read"
    assert [page.number for page in result.pages] == [1]
    assert result.pages[0].text.splitlines() == ["Policy number: PX-100", "Claimant: Nora Quill"]
    assert result.engine.startswith("pdfium/")


def test_a_pdf_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, encrypted(pdf_of("Claim form"), password="")).pages[0].text == "Claim form"


def test_columns_stay_on_their_line_whatever_order_they_were_written_in(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    for number, value in enumerate(["12 May 2031", "GX 410", "$1,250.00"]):
        pdf.text(120, 20 + 6 * number, value)
    for number, label in enumerate(["Date of loss", "Policy", "Amount"]):
        pdf.text(20, 20 + 6 * number, label)
    lines = read(tmp_path, bytes(pdf.output())).pages[0].text.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["Date of loss", "Policy", "Amount"]
    assert [line.split("  ")[-1].strip() for line in lines] == ["12 May 2031", "GX 410", "$1,250.00"]
    assert len({line.index(line.split("  ")[-1].strip()) for line in lines}) == 1


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_turned_page_reads_as_it_is_shown(tmp_path: Path, angle: int) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_of("First line", "Second line")))
    page = writer.pages[0]
    # Turned once for display and once, the other way, in its content: what is shown is upright again.
    page.transfer_rotation_to_content()
    page.rotate(angle)
    page.transfer_rotation_to_content()
    page.rotate(-angle)
    out = io.BytesIO()
    writer.write(out)
    assert read(tmp_path, out.getvalue()).pages[0].text.split("\n") == ["First line", "Second line"]


def test_a_slanted_stamp_does_not_break_the_lines(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    for number in range(12):
        pdf.text(20, 20 + 8 * number, f"Line number {number} of the letter")
    with pdf.rotation(45, 60, 60):
        pdf.set_font("helvetica", size=40)
        pdf.text(30, 70, "COPY")
    lines = read(tmp_path, bytes(pdf.output())).pages[0].text.splitlines()
    assert lines[:12] == [f"Line number {number} of the letter" for number in range(12)]
    assert lines[-1] == "COPY"


def test_filled_in_form_fields_are_part_of_the_text(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_of("Policy number")))
    appearance = pypdf.generic.DecodedStreamObject()
    appearance.set_data(b"/Tx BMC BT /Helv 10 Tf 2 4 Td (PX-100) Tj ET EMC")
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/Helv"): font})})
    appearance.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): ArrayObject([FloatObject(n) for n in (0, 0, 100, 16)]),
            NameObject("/Resources"): fonts,
        }
    )
    field = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/F"): pypdf.generic.NumberObject(4),
            NameObject("/T"): TextStringObject("policy"),
            NameObject("/V"): TextStringObject("PX-100"),
            NameObject("/Rect"): ArrayObject([FloatObject(n) for n in (200, 790, 300, 806)]),
            NameObject("/AP"): DictionaryObject({NameObject("/N"): writer._add_object(appearance)}),
        }
    )
    reference = writer._add_object(field)
    writer.pages[0][NameObject("/Annots")] = ArrayObject([reference])
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): ArrayObject([reference])})
    out = io.BytesIO()
    writer.write(out)
    text = read(tmp_path, out.getvalue()).pages[0].text
    assert "Policy number" in text
    assert "PX-100" in text


def test_a_scanned_page_among_others_is_named(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter()
    writer.append(io.BytesIO(pdf_of("Claim form")))
    writer.append(io.BytesIO(drawing_only()))
    out = io.BytesIO()
    writer.write(out)
    result = read(tmp_path, out.getvalue())
    assert (result.status, result.pages_without_text) == ("read", [2])


def test_plain_text_is_read_with_form_feeds_as_pages(tmp_path: Path) -> None:
    result = read(tmp_path, "Schaden:   12 €\r\n\fzweite Seite".encode())
    assert [page.text for page in result.pages] == ["Schaden:   12 €\n", "zweite Seite"]


@given(st.text(st.characters(codec=None)))
def test_text_is_storable_whatever_it_holds(text: str) -> None:
    clean = storable(text)
    assert "\x00" not in clean
    assert clean.encode("utf-8").decode("utf-8") == clean


def test_what_cannot_be_stored_is_written_out() -> None:
    assert storable("a\x00b\ud800c\ud83d\ude00\x07") == "a\\u0000b\\ud800c😀 "


def test_a_missing_file_is_not_the_documents_fault(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="store the document"):
        read_document(tmp_path / "nowhere.pdf")


def test_what_nobody_foresaw_in_a_document_is_an_answer_and_a_fault_of_this_machine_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = asked({"name": "text"}, ReadLimits(), 0)

    def stumble(problem: Exception) -> Callable[[object], None]:
        def read_mail(data: object) -> None:
            raise problem

        return read_mail

    mail = b"From: a\nDate: b\nSubject: c\n\nwords"
    monkeypatch.setattr("app.documents.child.mail.read_mail", stumble(AssertionError("unforeseen")))
    told = answer_to(mail, limits)
    assert (told["status"], told["reason"]) == ("unreadable", "CORRUPT")
    assert "AssertionError" in told["sentence"]
    monkeypatch.setattr("app.documents.child.mail.read_mail", stumble(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        answer_to(mail, limits)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64) + "__substg1.0_".encode("utf-16-le"), "Outlook message"),
    ],
)
def test_what_people_often_send_is_named_with_its_remedy(tmp_path: Path, data: bytes, told: str) -> None:
    result = read(tmp_path, data)
    assert result.reason == "UNSUPPORTED_TYPE"
    assert told in result.sentence
