"""A page as lines and cells.

The law: two blanks or more (or a tab) part one cell from the next; the document reader guarantees it for columns.
Positions are kept, because a value is found by where it stands: behind its label, beside it, or below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.core.values.pages import PageText
from app.insurance.reading.folding import fold

_LONGEST_LINE = 1000  # what is longer is cut into such lines: no page of people's has them, and time stays linear
_MOST_CHARACTERS = 1_000_000
_CELL = re.compile(r"\S+(?: \S+)*")


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
        for text in _cut(page.text.expandtabs(8)):
            folded = fold(text)
            cells = tuple(Cell(text[m.start() : m.end()], m.start(), m.end()) for m in _CELL.finditer(folded))
            found.append(Line(page.number, len(found), text, folded, cells))
    return found


def within_reach(pages: Sequence[PageText]) -> list[PageText]:
    """The pages up to a million characters in all: some 300 full pages, and no hour of work for a hostile file."""
    kept: list[PageText] = []
    left = _MOST_CHARACTERS
    for page in pages:
        left -= len(page.text)
        if left < 0:
            break
        kept.append(page)
    return kept


def _cut(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for start in range(0, max(len(line), 1), _LONGEST_LINE):
            yield line[start : start + _LONGEST_LINE]
