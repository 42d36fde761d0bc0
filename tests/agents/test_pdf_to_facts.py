"""From a drawn page to facts: the reader keeps the columns, and the rules see the form in them."""

from __future__ import annotations

from pathlib import Path

from fpdf import FPDF

from app.documents.reader import read_document
from app.insurance.reading.extraction import DocumentFacts, ExtractionRequest, misquoted
from app.insurance.reading.rules.offline import OfflineProvider


def drawn(*texts: tuple[float, float, str], size: int = 10) -> bytes:
    """A page with each text at its place (millimetres from left and top), in the order given."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=size)
    for x, y, text in texts:
        pdf.text(x, y, text)
    return bytes(pdf.output())


def read(data: bytes, folder: Path) -> DocumentFacts:
    path = folder / "document.pdf"
    path.write_bytes(data)
    pages = read_document(path).pages
    facts = OfflineProvider().extract(ExtractionRequest(document_id="d", filename="document.pdf", pages=pages)).facts
    assert misquoted(facts, pages) == []
    return facts


def test_a_form_whose_values_were_drawn_before_its_labels(tmp_path: Path) -> None:
    rows = [
        ("Claimant", "Ines Maldow"),
        ("Policy number", "GX 410-7"),
        ("Date of loss", "12 May 2031"),
        ("VIN", "1M8GDM9AXKP042788"),
        ("Amount claimed", "$1,728.00"),
    ]
    values = [(90.0, 40.0 + 8 * n, value) for n, (_, value) in enumerate(rows)]
    labels = [(20.0, 40.0 + 8 * n, label) for n, (label, _) in enumerate(rows)]
    facts = read(drawn((20, 20, "MOTOR CLAIM FORM"), *values, *labels), tmp_path)
    assert facts.kind == "claim_form"
    assert facts.fields["claimant"].value == "Ines Maldow"
    assert facts.fields["policy_number"].value == "GX 410-7"
    assert facts.fields["date_of_loss"].value == "2031-05-12"
    assert facts.fields["vin"].value == "1M8GDM9AXKP042788"
    assert facts.fields["amount_claimed"].value == "1728.00"


def test_labels_above_values_in_three_columns(tmp_path: Path) -> None:
    facts = read(
        drawn(
            (20, 20, "Claim number"),
            (80, 20, "Date of accident"),
            (140, 20, "Licence plate"),
            (20, 26, "C-20310"),
            (80, 26, "2031-05-12"),
            (140, 26, "KX27 QRT"),
        ),
        tmp_path,
    )
    assert {name: fact.value for name, fact in facts.fields.items()} == {
        "claim_number": "C-20310",
        "date_of_loss": "2031-05-12",
        "plate": "KX27 QRT",
    }


def test_a_table_of_items_with_right_aligned_amounts(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=10)
    pdf.cell(text="REPAIR INVOICE No. R-77", new_x="LMARGIN", new_y="NEXT")
    rows = [
        ("Description", "Qty", "Unit price", "Amount"),
        ("Rear bumper cover, primed", "1", "640.00", "640.00"),
        ("Tail lamp left", "1", "212.50", "212.50"),
        ("Labour: refinish", "4", "95.00", "380.00"),
        ("", "", "Subtotal", "1,232.50"),
        ("", "", "VAT 20%", "246.50"),
        ("", "", "Total", "1,479.00"),
    ]
    for row in rows:
        for width, text in zip((80, 20, 30, 30), row, strict=True):
            pdf.cell(width, 7, text, align="L" if width == 80 else "R")
        pdf.ln()
    facts = read(bytes(pdf.output()), tmp_path)
    assert facts.kind == "repair_invoice"
    assert [(line.description, str(line.quantity), str(line.amount)) for line in facts.lines] == [
        ("Rear bumper cover, primed", "1", "640.00"),
        ("Tail lamp left", "1", "212.50"),
        ("Labour: refinish", "4", "380.00"),
    ]
    assert [facts.fields[name].value for name in ("subtotal", "tax", "total")] == ["1232.50", "246.50", "1479.00"]


def test_a_wrapped_description_in_a_column_of_its_own(tmp_path: Path) -> None:
    facts = read(
        drawn(
            (20, 20, "Circumstances"),
            (80, 20, "While reversing out of the drive the"),
            (80, 25, "car struck a post and a hedge."),
            (20, 34, "Damaged parts"),
            (80, 34, "front bumper, grille"),
        ),
        tmp_path,
    )
    assert facts.fields["description"].value == "While reversing out of the drive the car struck a post and a hedge."
    assert facts.fields["damage"].value == ["front bumper", "grille"]
