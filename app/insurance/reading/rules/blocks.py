"""Values of several lines: what happened, what was damaged, and text that addresses a machine.

The law: a block ends at a blank line, at the next label, or where its column ends; nothing is read across them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.insurance.reading.extraction import Extracted, quote_stands_in
from app.insurance.reading.folding import fold
from app.insurance.reading.labels import Label
from app.insurance.reading.orders import addresses_a_machine
from app.insurance.reading.paper import Paper, cell_of
from app.insurance.reading.readers import NOTHING
from app.insurance.reading.text import Cell, Line

_MOST_LINES, _MOST_CHARACTERS, _MOST_ITEMS = 14, 900, 40
_BULLET = re.compile(r"(?:[-–•*·▪☐☑☒]|\[[ xX]?\]|[(\[]?\d{1,2}[.)\]])\s+")
_COUNT = re.compile(r"^\s*\d{1,2}\s?x\s+")
_BETWEEN_ITEMS = re.compile(r"\s*[,;/•]\s*(?:and\s+)?|\s+(?:and|und|et)\s+")
_QUOTED = 300  # characters of such a passage


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a block on one line."""

    line: Line
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.line.text[self.start : self.end].strip()


def block_fields(paper: Paper, *, skip: frozenset[int]) -> dict[str, Extracted]:
    """`description` and `damage`, where a label announces them; the fullest block of the strongest label."""
    found: dict[str, list[tuple[int, int, Extracted]]] = {}
    for line in paper.lines:
        for label in paper.labels_of(line) if line.index not in skip else ():
            field, rank = label.meaning
            if field not in ("description", "damage"):
                continue
            segments = list(_segments(label, line, paper, skip))
            fact = (_items if field == "damage" else _prose)(label, line, segments)
            if fact and (rank < 3 or len(fact.raw.split()) >= 4):
                found.setdefault(field, []).append((-rank, len(fact.value or ()), fact))
    return {field: max(facts, key=lambda entry: entry[:2])[2] for field, facts in found.items()}


def orders_to_machines(paper: Paper) -> Extracted | None:
    """The first passage that gives orders to whoever reads the document by machine, or takes pains to hide its letters.

    It is quoted as it stands, and read without what hides it: signs of no width, letters of another alphabet that look alike.
    """
    for line in paper.lines:
        said = line.text.strip()
        if addresses_a_machine(said):
            return Extracted(
                value=said[:_QUOTED], raw=said[:_QUOTED], page=line.page, quote=said[:_QUOTED], confidence=0.8
            )
    return None


def _segments(label: Label, line: Line, paper: Paper, skip: frozenset[int]) -> Iterator[Segment]:
    cell = cell_of(label, line)
    beside = next((other for other in line.cells if other.start >= cell.end), None)
    column = Cell("", label.start, cell.end)
    begun, beside_it = False, None
    if label.value_at < cell.end:
        if not label.announced:
            return
        begun = True
        yield Segment(line, label.value_at, cell.end)
    elif beside:
        if any(beside.start <= other.start < beside.end for other in paper.labels_of(line)):
            return
        begun, column, beside_it = True, beside, cell
        yield Segment(line, beside.start, beside.end)
    for under in paper.lines[line.index + 1 : line.index + 1 + _MOST_LINES]:
        if under.blank and not begun and under.index == line.index + 1:
            continue
        cell_below = next((other for other in under.cells if other.overlaps(column, slack=3)), None)
        if (
            cell_below is None
            or under.page != line.page
            or under.index in skip
            or paper.begins_entry(under, cell_below)
            # Where values stand beside their labels, whatever stands under the label is another entry's label.
            or (beside_it and any(other.overlaps(beside_it) and other != cell_below for other in under.cells))
        ):
            return
        begun = True
        yield Segment(under, cell_below.start, cell_below.end)


def _prose(label: Label, line: Line, segments: list[Segment]) -> Extracted | None:
    text = " ".join(segment.text for segment in segments)[:_MOST_CHARACTERS].strip()
    if len(text.split()) < 2 or fold(text) in NOTHING:
        return None
    return _fact(text, text, label, line, segments, confidence=0.85)


def _items(label: Label, line: Line, segments: list[Segment]) -> Extracted | None:
    raw = "\n".join(segment.text for segment in segments)[:_MOST_CHARACTERS]
    texts = [segment.text for segment in segments]
    if any(_BULLET.match(text) for text in texts):
        joined = "\n".join(text if _BULLET.match(text) else f" {text}" for text in texts).replace("\n ", " ")
        parts = joined.split("\n")
    elif len(texts) > 1 and all(len(text.split()) <= 6 and "," not in text for text in texts):
        parts = texts
    else:
        parts = [" ".join(texts)]
    items = [item for part in parts for item in _BETWEEN_ITEMS.split(_BULLET.sub("", part, count=1))]
    items = [_COUNT.sub("", item).strip(" .;:-") for item in items]
    items = [item[:120] for item in items if item and fold(item) not in NOTHING][:_MOST_ITEMS]
    return _fact(items, raw, label, line, segments, confidence=0.85) if items else None


def _fact(
    value: str | list[str], raw: str, label: Label, line: Line, segments: list[Segment], *, confidence: float
) -> Extracted:
    """Quoted from the label to the end of the block where that is one passage, else the first line of it."""
    first, last = segments[0], segments[-1]
    on_label_line = first.line.index == line.index
    start = label.start if on_label_line else first.start
    quote = first.line.text[start : first.end].strip()
    whole = "\n".join([quote, *(segment.text for segment in segments[1:])])
    page_text = "\n".join([first.line.text[start:], *(s.line.text[: s.end] for s in segments[1:])])
    if last is not first and len(whole) <= 600 and quote_stands_in(whole, page_text):
        quote = whole
    return Extracted(value=value, raw=raw, page=first.line.page, quote=quote[:600], confidence=confidence)
