"""A document as the rules see it: its lines, the labels in them, and how it writes dates and decimals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.values.amounts import style_of
from app.core.values.pages import PageText
from app.insurance.reading.dates import order_of
from app.insurance.reading.labels import Label, labels_in
from app.insurance.reading.readers import Habits
from app.insurance.reading.text import Cell, Line, lines_of


@dataclass(frozen=True, slots=True)
class Paper:
    """`labels[n]` are the labels of `lines[n]`."""

    lines: list[Line]
    labels: list[list[Label]]
    habits: Habits

    def labels_of(self, line: Line) -> list[Label]:
        """The labels of a line."""
        return self.labels[line.index]

    def begins_entry(self, line: Line, cell: Cell) -> bool:
        """True when the cell begins another entry of the form: a label with a colon, or nothing but a label."""
        return any(
            cell.start <= label.start < cell.end and label.at_cell_start and (label.announced or label.end >= cell.end)
            for label in self.labels_of(line)
        )


def paper_of(pages: Sequence[PageText]) -> Paper:
    """The pages of one document, prepared for the rules."""
    lines = lines_of(pages)
    texts = [line.text for line in lines]
    return Paper(lines, [labels_in(line) for line in lines], Habits(order_of(texts), style_of(texts)))


def cell_of(label: Label, line: Line) -> Cell:
    """The cell a label stands in."""
    return next(cell for cell in line.cells if cell.start <= label.start < cell.end)
