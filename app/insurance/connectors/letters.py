"""Letters as PDF files.

The law: the same facts give the same bytes, so a letter written again after a crash is the same document under the
same hash. A denial that cites no provision, or names nobody who decided, is not written.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import BadInput

UNNAMED = "the claimant"  # a recipient whose name nobody stated
LetterKind = Literal["settlement", "denial", "acknowledgement", "document_request"]

_TITLES: dict[LetterKind, str] = {
    "settlement": "Settlement of your claim",
    "denial": "Decision on your claim",
    "acknowledgement": "We have received your claim",
    "document_request": "Documents we need from you",
}
_NEEDED: dict[LetterKind, tuple[str, ...]] = {
    "settlement": ("amount", "currency", "decided_by"),
    "denial": ("provision", "provision_text", "decided_by"),
    "acknowledgement": (),
    "document_request": ("documents",),
}
# Not strftime: the month would change its language with the locale of the process, and the bytes with it.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# The built-in fonts know Latin-1 only; these have a better likeness than a question mark.
_LIKENESSES = str.maketrans(
    {"‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‑": "-", "−": "-", "…": "..."}
    | {"•": "-", "€": "EUR", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE", "ı": "i", "\u202f": " "}
)


class LetterFacts(BaseModel):
    """What a letter says. `lines` are paragraphs, `date` the day it bears; a denial quotes `provision_text`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str = Field(min_length=1)
    recipient: str = Field(min_length=1)
    date: dt.date
    policy: str = ""
    lines: list[str] = Field(default_factory=list)
    documents: list[str] = Field(default_factory=list, description="kinds of documents asked for")
    amount: Decimal | None = None
    currency: str = ""
    provision: str | None = None
    provision_text: str | None = None
    decided_by: str | None = Field(default=None, description="who decided: a name and title, or in words")
    sender: str = "Claims department"


def written(kind: LetterKind, facts: LetterFacts) -> tuple[bytes, str]:
    """The letter as PDF, and its words as they stand on it. Raises BadInput when the letter lacks what it must say."""
    absent = [name for name in _NEEDED[kind] if not getattr(facts, name)]
    if absent:
        raise BadInput(f"a {kind} letter must state {', '.join(absent)}; fill in and write it again")
    page = _Page(facts, _TITLES[kind])
    page.head()
    for paragraph in _body(kind, facts):
        page.paragraph(paragraph)
    if kind == "denial":
        page.citation(facts.provision or "", facts.provision_text or "")
        page.paragraph(
            "You may ask us to review this decision and send us anything you want us to consider. "
            "Please quote the claim number above."
        )
    if facts.decided_by and kind in ("settlement", "denial"):
        page.paragraph(f"This decision was made by {facts.decided_by}.")
    page.paragraph(f"Yours sincerely,\n{facts.sender}")
    return page.finished(), "\n\n".join(page.words)


def _body(kind: LetterKind, facts: LetterFacts) -> list[str]:
    opening = {
        "settlement": f"Your claim has been settled. We are paying {_amount(facts)}.",
        "denial": "We have examined your claim and cannot pay it. The reasons are given below.",
        "acknowledgement": f"We have received your claim. Its number is {facts.claim}; please quote it when you write.",
        "document_request": "To go on with your claim we need the following from you:",
    }[kind]
    wanted = [f"- {document.replace('_', ' ')}" for document in facts.documents] if kind == "document_request" else []
    return [opening, *(["\n".join(wanted)] if wanted else []), *(line for line in facts.lines if line.strip())]


def _amount(facts: LetterFacts) -> str:
    return f"{facts.amount:,.2f} {facts.currency}" if facts.amount is not None else ""


class _Page:
    """The layout of a letter: one column, built-in fonts, A4."""

    def __init__(self, facts: LetterFacts, title: str) -> None:
        from fpdf import FPDF  # brings numpy and fontTools: a quarter of what a worker would need to start

        self.facts, self.title = facts, title
        self.words: list[str] = []
        self.pdf = FPDF(format="A4")
        # Otherwise the file holds the second it was made in.
        self.pdf.set_creation_date(dt.datetime.combine(facts.date, dt.time(), dt.UTC))
        self.pdf.set_title(printable(f"{title}: {facts.claim}"))
        self.pdf.set_lang("en")
        self.pdf.set_margins(25, 25)
        self.pdf.set_auto_page_break(True, margin=25)
        self.pdf.add_page()

    def head(self) -> None:
        facts = self.facts
        self._block(facts.sender, style="B", size=12)
        self._block(f"{facts.date.day} {_MONTHS[facts.date.month - 1]} {facts.date.year}")
        self._block(facts.recipient)
        reference = f"Claim number: {facts.claim}" + (f"\nPolicy number: {facts.policy}" if facts.policy else "")
        self._block(reference)
        self._block(self.title, style="B", size=13)
        unnamed = facts.recipient.casefold() == UNNAMED
        self._block("Dear Sir or Madam," if unnamed else f"Dear {facts.recipient},")

    def paragraph(self, text: str) -> None:
        self._block(text)

    def citation(self, provision: str, text: str) -> None:
        self._block(f"The decision rests on this provision of your policy: {provision}", style="B")
        self._block(f'"{text.strip()}"', style="I", indent=8)

    def finished(self) -> bytes:
        return bytes(self.pdf.output())

    def _block(self, text: str, *, style: Literal["", "B", "I"] = "", size: int = 11, indent: int = 0) -> None:
        self.pdf.set_font("helvetica", style=style, size=size)
        self.words.append(printable(text))
        for line in self._lines(self.words[-1], self.pdf.epw - indent - 2 * self.pdf.c_margin):
            self.pdf.set_x(self.pdf.l_margin + indent)
            self.pdf.cell(w=0, h=6, text=line, align="L", new_x="LMARGIN", new_y="NEXT")
        self.pdf.ln(4)

    def _lines(self, text: str, width: float) -> Iterator[str]:
        """The text in lines of that width, a word longer than a line in pieces. The library's own way measures each line
        again for each of its characters: most of what a letter would cost."""
        space = self.pdf.get_string_width(" ")
        for paragraph in text.split("\n"):
            line, left = list[str](), width
            for word in paragraph.split(" "):
                rest, wide = word, self.pdf.get_string_width(word)
                if line and wide > left:
                    yield " ".join(line)
                    line, left = [], width
                while wide > width:
                    fits = self._fitting(rest, width)
                    yield rest[:fits]
                    rest = rest[fits:]
                    wide = self.pdf.get_string_width(rest)
                line.append(rest)
                left -= wide + space
            yield " ".join(line)

    def _fitting(self, word: str, width: float) -> int:
        """How many characters of a word fit into the width; at least one."""
        for count, character in enumerate(word):
            width -= self.pdf.get_string_width(character)
            if width < 0:
                return max(1, count)
        return len(word)


def printable(text: str) -> str:
    """`text` in Latin-1: a likeness where there is one, the letter without its accent, else a question mark."""
    return "".join(map(_printable_one, unicodedata.normalize("NFC", text).translate(_LIKENESSES)))


def _printable_one(character: str) -> str:
    if character == "\n" or (character.isprintable() and ord(character) < 256):
        return character
    if not character.isprintable():
        return " "
    base = unicodedata.normalize("NFKD", character).encode("latin-1", "ignore").decode("latin-1")
    return base if base.isprintable() and base else "?"
