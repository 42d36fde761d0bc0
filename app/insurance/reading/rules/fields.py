"""From labels to facts: find the value of each label, weigh the candidates, choose or abstain.

The law: a value is looked for behind its label, then beside it, then below it, and nowhere else; another label is
never a value. Two equally strong labels with different values are a contradiction, and a contradiction is reported,
not decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from app.insurance.reading.dates import read_date
from app.insurance.reading.extraction import Extracted
from app.insurance.reading.labels import Label
from app.insurance.reading.paper import Paper, cell_of
from app.insurance.reading.readers import NEEDS_ANNOUNCEMENT, READERS, SPLITTERS, Habits, Reading
from app.insurance.reading.rules.guard import all_tried
from app.insurance.reading.rules.parties import OWNED, is_of_others, under_others
from app.insurance.reading.text import Cell, Line

_BEHIND, _BEHIND_BARE, _BESIDE, _BELOW = 0.95, 0.85, 0.92, 0.85
_BY_RANK = {1: 1.0, 2: 0.9, 3: 0.75}
_LOOK_BELOW = 2
_MONEY = frozenset({"amount_claimed", "deductible", "subtotal", "tax", "total", "due"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact some label announces; `rank` 1 is the strongest label, `line` the index of the line it stands in.

    What is another party's never becomes a fact, but it contradicts: which of two parties' is ours, no rule is sure of.
    """

    field: str
    rank: int
    fact: Extracted
    line: int
    of_others: bool = False


def candidates_in(paper: Paper, *, skip: frozenset[int], notes: list[str]) -> Iterator[Candidate]:
    """Every labelled value of the document; the lines in `skip` belong to tables of items.

    A label whose value surprises its reader costs that value, and a note.
    """
    for line in paper.lines:
        for label in paper.labels_of(line) if line.index not in skip else ():
            if label.meaning.field:
                values = partial(_values_of, label, line, paper, skip)
                of_others = is_of_others(label, line, paper)
                for candidate in all_tried(label.meaning.field, values, notes):
                    yield replace(candidate, of_others=of_others)


def chosen(candidates: Iterable[Candidate]) -> tuple[dict[str, Extracted], list[str]]:
    """One fact per field, from its strongest labels, and a sentence for each field left out for contradiction."""
    by_field: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_field.setdefault(candidate.field, []).append(candidate)
    facts: dict[str, Extracted] = {}
    notes: list[str] = []
    for field, all_of_it in by_field.items():
        best = min(candidate.rank for candidate in all_of_it)
        if all(candidate.of_others for candidate in all_of_it if candidate.rank == best):
            notes.append(f"{field}: left out, only another party's or an earlier one is stated")
            continue
        strongest = [candidate.fact for candidate in all_of_it if candidate.rank == best]
        fact = _agreed(strongest)
        if fact:
            facts[field] = fact
        else:
            printed = ", ".join(f"{said.raw!r} (page {said.page})" for said in strongest[:4])
            notes.append(f"{field}: left out, the document states different values: {printed}")
    return facts, notes


def fact_at(line: Line, reading: Reading, *, at: int, quote_from: int, confidence: float) -> Extracted:
    """The fact that `reading` found at column `at` of the line, quoted from column `quote_from` on."""
    start, end = at + reading.start, at + reading.end
    return Extracted(
        value=reading.value,
        raw=line.text[start:end].strip(),
        page=line.page,
        quote=line.text[quote_from:end].strip(),
        confidence=round(confidence * reading.certainty, 2),
        problem=reading.problem,
    )


def _agreed(facts: list[Extracted]) -> Extracted | None:
    """The fact they all state; an impossible date wins, because hiding it behind a possible one would lose it."""
    impossible = [fact for fact in facts if fact.problem == "impossible"]
    if impossible:
        return impossible[0]
    stated = {_comparable(fact) for fact in facts if fact.problem is None}
    if len(stated) > 1:
        return None
    return max(facts, key=lambda fact: (fact.problem is None, fact.confidence))


def _comparable(fact: Extracted) -> str:
    return "".join(c for c in str(fact.value).casefold() if c.isalnum() or c in ".-") if fact.value else ""


def _values_of(label: Label, line: Line, paper: Paper, skip: frozenset[int]) -> Iterator[Candidate]:
    cell, habits = cell_of(label, line), paper.habits
    limit = min([o.start for o in paper.labels_of(line) if o.start > label.start], default=len(line.text))
    behind = Cell("", label.value_at, min(cell.end, limit))
    if behind.start < behind.end:
        bare = not label.announced
        if not (bare and label.meaning.field in NEEDS_ANNOUNCEMENT):
            strength = _BEHIND_BARE if bare else _BEHIND
            for candidate in _read(label, line, behind, habits, strength=strength, quote_from=label.start):
                if not bare or _plain_enough(label.meaning.field, line.text[behind.start : behind.end], candidate):
                    yield candidate
        return
    beside = [other for other in line.cells if cell.end <= other.start < limit]
    place = _beside(label, line, beside, paper)
    found = list(_read(label, line, place, habits, strength=_BESIDE, quote_from=label.start)) if place else []
    under = None if found else _below(label, cell, line, paper, skip)
    # A label above its value stands on another line: the value then quotes itself.
    yield from found or (_read(label, *under, habits, strength=_BELOW, quote_from=under[1].start) if under else ())


def _beside(label: Label, line: Line, cells: list[Cell], paper: Paper) -> Cell | None:
    """The next cell; of several amounts none, because the label names only one of them, nor of two parties' numbers."""
    if label.meaning.field in OWNED:
        answers = {text for cell in cells if _answers(label, text := line.text[cell.start : cell.end], paper)}
        several = len(answers) > 1 or any(under_others(cell, line, paper) for cell in cells[:1])
        return cells[0] if cells and not several else None
    if label.meaning.field not in _MONEY:
        return cells[0] if cells and not _heads_a_column(label, cells[0], line, paper) else None
    amounts = [cell for cell in cells if READERS["total"](line.text[cell.start : cell.end], paper.habits)]
    return amounts[0] if len(amounts) == 1 else None


def _heads_a_column(label: Label, cell: Cell, line: Line, paper: Paper) -> bool:
    """True for 'LOCATION    SKETCH NO.' over their values: two headings in capitals, whose values are not."""
    heading, other = line.text[label.start : label.end], line.text[cell.start : cell.end]
    if not (heading.isupper() and other.isupper()) or any(c.isdigit() for c in other):
        return False
    under = paper.lines[line.index + 1] if line.index + 1 < len(paper.lines) else None
    below = [c for c in under.cells if c.start in (label.start, cell.start)] if under else []
    return len(below) == 2 and under is not None and not under.text.isupper()


def _answers(label: Label, text: str, paper: Paper) -> bool:
    """True when the whole text can be the label's value; a date is nobody's number."""
    if label.meaning.field in SPLITTERS:
        return bool(SPLITTERS[label.meaning.field](text, paper.habits))
    reading = READERS[label.meaning.field](text, paper.habits)
    return reading is not None and reading.end == len(text) and read_date(text, paper.habits.order) is None


def _shape(text: str) -> str:
    """Letters and digits by their kind: two numbers of one shape are two answers to one question."""
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in text.strip())


def _below(label: Label, cell: Cell, line: Line, paper: Paper, skip: frozenset[int]) -> tuple[Line, Cell] | None:
    """The first cell under the label, unless another label comes first; one blank line may stand between."""
    for under in paper.lines[line.index + 1 : line.index + 1 + _LOOK_BELOW]:
        if under.blank and under.index == line.index + 1:
            continue
        if under.blank or under.page != line.page or under.index in skip:
            return None
        for other in under.cells:
            if other.overlaps(cell):
                several = label.meaning.field in OWNED and _one_of_several(label, under, other, paper)
                return None if several or paper.begins_entry(under, other) else (under, other)
    return None


def _one_of_several(label: Label, line: Line, cell: Cell, paper: Paper) -> bool:
    """True when the next line has another such value in the same column: a list, of which none is the one."""
    field, habits = label.meaning.field, paper.habits
    if field not in READERS or READERS[field] is READERS["claimant"]:
        return False
    text = line.text[cell.start : cell.end]
    for under in paper.lines[line.index + 1 : line.index + 1 + _LOOK_BELOW]:
        for other in under.cells:
            said = under.text[other.start : other.end]
            alike = field == "vin" or _shape(said) == _shape(text)
            if other.overlaps(cell) and alike and said != text and READERS[field](said, habits):
                return True
    return False


def _read(
    label: Label, line: Line, place: Cell, habits: Habits, *, strength: float, quote_from: int
) -> Iterator[Candidate]:
    text = line.text[place.start : place.end]
    start = place.start + len(text) - len(text.lstrip())
    text, habits = text.strip(), habits.hinted(label.hint)
    field, rank = label.meaning
    if field in SPLITTERS:
        readings = SPLITTERS[field](text, habits)
    else:
        reading = READERS[field](text, habits) if field in READERS else None
        readings = {field: reading} if reading else {}
    for name, reading in readings.items():
        confidence = strength * _BY_RANK[rank]
        fact = fact_at(line, reading, at=start, quote_from=quote_from, confidence=confidence)
        yield Candidate(name, rank, fact, line.index)


def _plain_enough(field: str, text: str, candidate: Candidate) -> bool:
    """Without a colon, a short number ('Policy 3 of 5') or one with words behind it is no reference."""
    if READERS[field] is not READERS["claim_number"]:
        return True
    return len(candidate.fact.raw) >= 4 and text.strip() == candidate.fact.raw
