"""A sheet of paper: headings, fields in three layouts, prose, tables and pictures, written as PDF.

The law: the same calls give the same bytes. The creation date is the day of the sample, never the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import Align
from PIL import Image

FieldLayout = Literal["lines", "columns", "boxes"]
FontName = Literal["Helvetica", "Times", "Courier"]
Field = tuple[str, str]

_LINE: Final = 5.6  # millimetres
_SMALL: Final = 7  # points
_BODY: Final = 10
_LONG_VALUE: Final = 40  # characters; longer ones get a box of the full width


class Sheet:
    """One document being written, top to bottom. Text must be Latin-1, the range of the built-in fonts."""

    def __init__(self, made_on: date, font: FontName) -> None:
        self._font = font
        self._pdf = FPDF(format="Letter")
        self._pdf.set_creation_date(datetime.combine(made_on, time(9), UTC))
        self._pdf.set_margin(18)
        self._pdf.set_auto_page_break(True, margin=18)
        self._pdf.add_page()
        self._write_as(_BODY)

    def content(self) -> bytes:
        """The finished PDF."""
        return bytes(self._pdf.output())

    def heading(self, title: str, *under: str) -> None:
        """The title of the document, and small lines under it."""
        self._write_as(16, "B")
        self._paragraph(title, 8)
        self._write_as(9)
        for text in under:
            self._paragraph(text, 4.6)
        self._gap(4)

    def section(self, title: str) -> None:
        """A heading within the document."""
        self._gap(2)
        self._write_as(11, "B")
        self._paragraph(title, 6.5)
        self._write_as(_BODY)

    def prose(self, text: str) -> None:
        """One paragraph."""
        self._write_as(_BODY)
        self._paragraph(text, _LINE)
        self._gap(2.5)

    def fields(self, layout: FieldLayout, fields: Sequence[Field]) -> None:
        """Labelled values: `label: value` lines, a table of two columns, or a boxed form."""
        {"lines": self._as_lines, "columns": self._as_columns, "boxes": self._as_boxes}[layout](fields)
        self._gap(2)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], texts: int) -> None:
        """A ruled table; the first `texts` columns are set left, the others (figures) right."""
        self._write_as(9)
        align = [Align.L if i < texts else Align.R for i in range(len(head))]
        with self._pdf.table(col_widths=tuple(widths), text_align=tuple(align), line_height=_LINE) as table:
            for cells in (head, *rows):
                table.row(cells)
        self._gap(2)

    def figures(self, fields: Sequence[Field]) -> None:
        """Label and amount at the right edge, one pair a line: the sums under a table."""
        self._write_as(_BODY)
        for label, amount in fields:
            self._pdf.set_x(self._pdf.l_margin + self._pdf.epw - 90)
            self._pdf.cell(50, _LINE, label, align=Align.R)
            self._pdf.cell(40, _LINE, amount, align=Align.R, new_x="LMARGIN", new_y="NEXT")
        self._gap(2)

    def picture(self, image: Image.Image, caption: str, width: float = 80) -> None:
        """A picture with a line of text under it."""
        height = width * image.height / image.width
        if self._pdf.will_page_break(height + _LINE):
            self._pdf.add_page()
        self._pdf.image(image, w=width, h=height)
        self._write_as(9)
        self._paragraph(caption, _LINE)
        self._gap(3)

    def _as_lines(self, fields: Sequence[Field]) -> None:
        for label, value in fields:
            self._paragraph(f"{label}: {value}", _LINE)

    def _as_columns(self, fields: Sequence[Field]) -> None:
        with self._pdf.table(
            col_widths=(34, 66), text_align=(Align.L, Align.L), line_height=_LINE, first_row_as_headings=False
        ) as table:
            for pair in fields:
                table.row(pair)

    def _as_boxes(self, fields: Sequence[Field]) -> None:
        """Two boxes a row, a small label above each value; a long value has a row of its own."""
        half = self._pdf.epw / 2
        for label, value in fields:
            long = len(value) > _LONG_VALUE
            at_right = self._pdf.get_x() > self._pdf.l_margin + 1
            if long and at_right:
                self._pdf.ln(11)
                at_right = False
            height = 11 + (self._lines_of(value) - 1) * 5 if long else 11
            if not at_right and self._pdf.will_page_break(height):
                self._pdf.add_page()
            self._box(label, value, self._pdf.epw if long else half, height)
            if long or at_right:
                self._pdf.set_xy(self._pdf.l_margin, self._pdf.get_y() + height)
        if self._pdf.get_x() > self._pdf.l_margin + 1:
            self._pdf.ln(11)
        self._write_as(_BODY)

    def _box(self, label: str, value: str, width: float, height: float) -> None:
        """One box at the current place; afterwards the place is its upper right corner."""
        pdf, x, y = self._pdf, self._pdf.get_x(), self._pdf.get_y()
        pdf.rect(x, y, width, height)
        pdf.set_xy(x + 1, y + 0.8)
        self._write_as(_SMALL)
        pdf.cell(width - 2, 3.5, label)
        pdf.set_xy(x + 1, y + 4.8)
        self._write_as(_BODY)
        pdf.multi_cell(width - 2, 5, value, align=Align.L)
        pdf.set_xy(x + width, y)

    def _lines_of(self, text: str) -> int:
        self._write_as(_BODY)
        wrapped = self._pdf.multi_cell(self._pdf.epw - 2, 5, text, align=Align.L, dry_run=True, output="LINES")
        assert isinstance(wrapped, list)
        return len(wrapped)

    def _write_as(self, size: float, style: Literal["", "B"] = "") -> None:
        self._pdf.set_font(self._font, style, size)

    def _paragraph(self, text: str, line_height: float) -> None:
        self._pdf.multi_cell(0, line_height, text, align=Align.L, new_x="LMARGIN", new_y="NEXT")

    def _gap(self, millimetres: float) -> None:
        self._pdf.ln(millimetres)
