"""Items printed as numbered entries of one line or several: '2. Hood' and below it '3 h x 80.00, amount 240.00'.

The law: the numbers prove that none is missing. Of several amounts in an entry the one that is called its amount
counts, else the only one; an entry with neither is counted as unread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from app.core.values.amounts import amounts_in, read_amount
from app.insurance.reading.extraction import LineItem
from app.insurance.reading.folding import fold
from app.insurance.reading.paper import Paper
from app.insurance.reading.readers import Habits
from app.insurance.reading.rules.lines import Table, kind_of_line
from app.insurance.reading.text import Line

_NUMBERED = re.compile(r"\s*(?:(?:item|line|pos|no)\b\.?\s*)?(?P<number>\d{1,3})\s?[.):]\s+(?=[^\W\d_])")
_AMOUNT_WORD = re.compile(r"(?:\b(?:amount|total|sum|betrag|montant)|=)\s?:?\s*")
_PARTS_WORD = re.compile(r"\b(?:parts?|materials?)\s?(?:cost|price)?\s?:?\s*")
_FIGURES = re.compile(
    r"\s{2,}|\.{2,}|\b\d+(?:[.,]\d+)?\s?(?:h|hrs?|hours?|x|pcs?|ea)\b|[$€£]|\b[A-Z]{3}\s?\d|\d[\d,.]*[.,]\d\d\b"
)
_FEWEST, _MOST_LINES, _MOST_ENTRIES = 2, 6, 500


@dataclass
class _Entry:
    number: int
    lines: list[Line] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its lines as one, words parted by a hyphen at the end of a line joined."""
        joined = "\n".join(line.text.strip() for line in self.lines)
        return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", joined).replace("\n", " ")


def numbered_items(paper: Paper) -> Table:
    """The items of numbered lists; `open_ended` when a number is missing. Lists without amounts are no items."""
    table = Table()
    entries = _entries(paper)[:_MOST_ENTRIES]
    read = [(entry, _item(entry, paper.habits)) for entry in entries]
    if sum(item is not None for _, item in read) < _FEWEST:
        return table
    expected = 1
    for entry, item in read:
        table.open_ended |= entry.number not in (expected, 1)
        expected = entry.number + 1
        table.used.update(line.index for line in entry.lines)
        if item:
            table.rows.append(item)
        else:
            table.unread += 1
    return table


def _entries(paper: Paper) -> list[_Entry]:
    found: list[_Entry] = []
    current: _Entry | None = None
    for line in paper.lines:
        numbered = _NUMBERED.match(line.folded)
        if numbered and (found or int(numbered["number"]) == 1):
            current = _Entry(int(numbered["number"]), [line])
            found.append(current)
        elif current and not _ends_entry(current, line, paper):
            current.lines.append(line)
        else:
            current = None
    return found


def _ends_entry(entry: _Entry, line: Line, paper: Paper) -> bool:
    return (
        line.blank
        or line.page != entry.lines[0].page
        or len(entry.lines) >= _MOST_LINES
        or any(
            label.at_cell_start and label.meaning.field in ("subtotal", "tax", "total", "due")
            for label in paper.labels_of(line)
        )
    )


def _item(entry: _Entry, habits: Habits) -> LineItem | None:
    text = entry.text
    numbered = _NUMBERED.match(fold(text))
    body = text[numbered.end() :] if numbered else text
    amount = _amount(body, habits)
    figures = _FIGURES.search(body)
    description = body[: figures.start() if figures else len(body)].strip(" .,:;-–=")
    if amount is None or not any(c.isalpha() for c in description):
        return None
    return LineItem(
        description=description[:200],
        kind="part" if (_called(body, _PARTS_WORD, habits) or 0) > 0 else kind_of_line(description, {}),
        amount=amount,
        page=entry.lines[0].page,
        quote="\n".join(line.text.strip() for line in entry.lines),
    )


def _amount(body: str, habits: Habits) -> Decimal | None:
    called = _called(body, _AMOUNT_WORD, habits)
    if called is not None:
        return called
    amounts = amounts_in(body, habits.style)
    return amounts[0].value if len(amounts) == 1 else None


def _called(body: str, word: re.Pattern[str], habits: Habits) -> Decimal | None:
    """The last amount that stands right behind such a word."""
    folded = body.lower()
    reads = [read_amount(body[found.end() :], habits.style) for found in word.finditer(folded)]
    values = [read.value for read in reads if read and read.certain]
    return values[-1] if values else None
