"""A page as lines and cells.

The law: two blanks or more (or a tab) part one cell from the next; the document reader guarantees it for columns.
Positions are kept, because a value is found by where it stands: behind its label, beside it, or below it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.core.extraction import PageText

_CELL = re.compile(r"\S+(?: \S+)*")
_ALIKE = str.maketrans({"’": "'", "‘": "'", "`": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "º": "°", "−": "-"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a line between column gaps; `start` and `end` count characters of the line."""

    text: str
    start: int
    end: int

    def overlaps(self, other: Cell, slack: int = 0) -> bool:
        """True when both stand, at least partly, in the same columns."""
        return self.start < other.end + slack and other.start < self.end + slack

    def distance(self, other: Cell) -> int:
        """Columns between the two; 0 when they overlap."""
        return max(self.start - other.end, other.start - self.end, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `text` as it stands on the page, `folded` the same length in lower case without accents."""

    page: int
    index: int
    text: str
    folded: str
    cells: tuple[Cell, ...]

    @property
    def blank(self) -> bool:
        return not self.cells


def lines_of(pages: Sequence[PageText]) -> list[Line]:
    """Every line of the document in order; `index` runs through all pages."""
    found: list[Line] = []
    for page in pages:
        for text in page.text.expandtabs(8).split("\n"):
            folded = fold(text)
            cells = tuple(Cell(text[m.start() : m.end()], m.start(), m.end()) for m in _CELL.finditer(folded))
            found.append(Line(page.number, len(found), text, folded, cells))
    return found


def fold(text: str) -> str:
    """`text` in lower case without accents, every character still at its place."""
    if text.isascii():
        return text.lower().replace("`", "'")
    return "".join(map(_fold_one, text.translate(_ALIKE)))


@lru_cache(maxsize=4096)
def _fold_one(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    lower = base.lower()
    return lower if len(lower) == 1 else base
