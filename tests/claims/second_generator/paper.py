"""A sheet to draw on that remembers what it was made to say.

The law: the truth of a document is written where its words are drawn, by whoever draws them, and never worked out
from the finished page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal, TypedDict, Unpack

from fpdf import FPDF

from app.insurance.reading.extraction import FIELDS, DocumentKind

Align = Literal["left", "right", "centre"]
Stated = str | date | Decimal | Sequence[str]
_MADE = datetime(2026, 1, 1, tzinfo=UTC)  # the same seed gives the same bytes


class Look(TypedDict, total=False):
    """How a piece of text looks where it is not as the rest; `size` in points."""

    size: float
    bold: bool
    italic: bool
    font: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished document with its truth.

    `states`: what the document says, normalised (ISO dates, plain decimals), by field name. `tolerates`: readings a
    careful person could defend but nobody must find; stating another value for such a field is as wrong as ever.
    `lines`: the amounts billed, or None where the document prices its lines in a way that has more than one reading.
    """

    name: str
    layout: str
    country: str
    kind: DocumentKind
    pdf: bytes
    states: dict[str, str]
    tolerates: dict[str, frozenset[str]]
    lines: tuple[str, ...] | None


@dataclass
class Paper:
    """Pages of A4 in millimetres from the top left corner; `y` is where the next line of text stands."""

    kind: DocumentKind
    font: str = "Helvetica"
    size: float = 9.0
    y: float = 20.0
    letter: bool = False
    states: dict[str, str] = field(default_factory=dict)
    tolerates: dict[str, set[str]] = field(default_factory=dict)
    lines: list[str] | None = field(default_factory=list)
    pdf: FPDF = field(init=False)

    def __post_init__(self) -> None:
        self.pdf = FPDF(unit="mm", format="Letter" if self.letter else "A4")
        self.pdf.core_fonts_encoding = "windows-1252"  # the euro sign
        self.pdf.set_auto_page_break(False)
        self.pdf.set_creation_date(_MADE)
        self.pdf.add_page()

    def say(self, field_name: str, value: Stated) -> None:
        """The document states this field with this value, in words that leave no other reading."""
        self.states[_known(field_name)] = plain(value)

    def allow(self, field_name: str, *values: Stated) -> None:
        """An extractor may state this field with one of these values, and may as well leave it."""
        self.tolerates.setdefault(_known(field_name), set()).update(map(plain, values))

    def bill(self, amount: Decimal) -> None:
        """One billed line of this amount."""
        if self.lines is not None:
            self.lines.append(plain(amount))

    def put(self, x: float, text: str, *, y: float | None = None, align: Align = "left", **look: Unpack[Look]) -> None:
        """Draw `text` at `x`, or ending or centred there."""
        self._dress(**look)
        width = self.pdf.get_string_width(text) if align != "left" else 0.0
        left = {"left": x, "right": x - width, "centre": x - width / 2}[align]
        self.pdf.text(left, self.y if y is None else y, text)

    def row(self, cells: Sequence[tuple[float, str, Align]], *, down: float = 5.0, **look: Unpack[Look]) -> None:
        """Draw cells on one line, then go down."""
        for x, text, align in cells:
            self.put(x, text, align=align, **look)
        self.y += down

    def prose(self, text: str, *, x: float = 20, width: float = 170, pitch: float = 4.6, **look: Unpack[Look]) -> None:
        """Draw `text` wrapped to `width`, then go down past it; a line break in it is kept."""
        self._dress(**look)
        for paragraph in text.split("\n"):
            line = ""
            for word in [*paragraph.split(), None]:
                longer = f"{line} {word}".strip()
                if word is not None and self.pdf.get_string_width(longer) <= width:
                    line = longer
                    continue
                self.pdf.text(x, self.y, line)
                self.y += pitch
                line = word or ""

    def tick(self, x: float, label: str, *, on: bool, y: float | None = None) -> None:
        """A drawn check box with its label to the right."""
        y = self.y if y is None else y
        self.box(x, y - 2.6, 3, 3)
        if on:
            self.put(x + 0.7, "X", y=y - 0.3, size=7, bold=True)
        self.put(x + 4.5, label, y=y)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """A ruled box."""
        self.pdf.rect(x, y, width, height)

    def rule(self, left: float = 20, right: float = 190, *, y: float | None = None) -> None:
        """A horizontal rule just below the line of text."""
        y = self.y + 1.2 if y is None else y
        self.pdf.line(left, y, right, y)

    def turn(self, y: float = 20.0) -> None:
        """A new page."""
        self.pdf.add_page()
        self.y = y

    def finished(self, name: str, layout: str, country: str) -> Sample:
        """The document as bytes, with its truth."""
        tolerated = {key: frozenset(values) for key, values in self.tolerates.items()}
        lines = None if self.lines is None else tuple(self.lines)
        return Sample(name, layout, country, self.kind, bytes(self.pdf.output()), self.states, tolerated, lines)

    def _dress(self, **look: Unpack[Look]) -> None:
        style = ("B" if look.get("bold") else "") + ("I" if look.get("italic") else "")
        self.pdf.set_font(look.get("font", self.font), style, look.get("size", self.size))


def plain(value: Stated) -> str:
    """A value as text: ISO date, decimal without grouping, several texts joined by commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, (date, Decimal)):
        return str(value)
    return ", ".join(value)


def _known(field_name: str) -> str:
    if field_name not in FIELDS:
        raise ValueError(f"{field_name!r} is no field of an extraction; use one of {', '.join(FIELDS)}")
    return field_name
