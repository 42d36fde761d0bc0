"""Facts that letters state in sentences: 'the date of loss was 5 May 2031', 'policy number GX-4107, claim number C-1'.

The law: a sentence states a fact only as '<label> is <value>' or as '<label> <value>' between commas, and only of the
writer's own case: what is said of another's, denied, or supposed is left alone. Sentences weigh less than any form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.values.amounts import read_amount
from app.insurance.reading.extraction import Extracted
from app.insurance.reading.folding import fold
from app.insurance.reading.labels import WORD, Label, label_at
from app.insurance.reading.paper import Paper
from app.insurance.reading.readers import READERS, Habits, Reading, read_day, read_reference
from app.insurance.reading.rules.fields import Candidate
from app.insurance.reading.text import Line

_RANK = 3
_SURE, _LESS_SURE = 0.85, 0.75
_FEWEST_WORDS, _MOST_LINES = 4, 40
_STOP = re.compile(r"(?<=[.!?])(?<!\b[A-Za-z]\.)(?<!\bno\.)(?<!\bnr\.)(?<!\bst\.)[ ]+(?=[^\W\d_a-z]|$)")
_IS = re.compile(r"[ ]?(?::[ ]?|(?:is|was|are|were|being|=)[ :]+)(?:estimated at |approximately |about )?")
_MINE = re.compile(r"(?:^|[,;:(.]|\b(?:and|under|re|with|has|the|my|our|its|their respective|following))[ ]*$")
_OTHERS = re.compile(
    r"\b(?:not|never|unless|if|wrong(?:ly)?|incorrect|mistaken|corrected|previous|former|old|expired|other|another"
    r"|third|neighbou?r|opponent|instead|unknown|example)\b|n't\b|'s (?:car|vehicle|van|truck|policy|insurer|insurance)"
)
_ENDS = re.compile(r"[ ]?(?:$|[.,;:)!?]|and\b)")
_HAPPENED = re.compile(
    r"\b(?:accident|collision|crash|incident|loss|damage|it) (?:happened|occurred|took place)(?: on)?(?: the)? "
)
_CLAIMED = re.compile(
    r"\b(?:i|we) (?:hereby )?(?:claim|am claiming|are claiming)(?: an amount of| a total of| the sum of)? "
)
_DAMAGED = re.compile(r"\bfollowing (?:parts|items|areas|components) (?:were|are|have been|got) damaged ?: ?")
_SAYINGS = ((_HAPPENED, "date_of_loss"), (_CLAIMED, "amount_claimed"), (_DAMAGED, "damage"))
_PARTS = re.compile(r"\b(?:parts|items|areas|components)\b")
_LIST_BREAK = re.compile(r"\s*[,;]\s*(?:and\s+)?|\s+and\s+")
_READABLE = frozenset(
    {"claim_number", "policy_number", "police_report_number", "vin", "plate", "date_of_loss"}
    | {"amount_claimed", "damage", "place"}
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, its lines joined by blanks; `line` is where it begins."""

    text: str
    folded: str
    line: Line


def prose_facts(paper: Paper, *, skip: frozenset[int]) -> Iterator[Candidate]:
    """What the document's sentences state; the lines in `skip` belong to tables."""
    for sentence in _sentences(paper, skip):
        for field, at, reading, sure in _stated(sentence, paper.habits):
            begin, end = at + reading.start, at + reading.end
            fact = Extracted(
                value=_items(sentence.text[begin:end]) if field == "damage" else reading.value,
                raw=sentence.text[begin:end],
                page=sentence.line.page,
                quote=sentence.text[:600],
                confidence=sure,
                problem=reading.problem,
            )
            yield Candidate(field, _RANK, fact, sentence.line.index)


def _sentences(paper: Paper, skip: frozenset[int]) -> Iterator[Sentence]:
    for paragraph in _paragraphs(paper, skip):
        text = " ".join(line.text.strip() for line in paragraph)
        starts = [0]
        for line in paragraph:
            starts.append(starts[-1] + len(line.text.strip()) + 1)
        begin = 0
        for end in [*(stop.start() for stop in _STOP.finditer(text)), len(text)]:
            said = text[begin:end].strip()
            first = max(n for n, start in enumerate(starts[:-1]) if start <= begin)
            if len(said.split()) >= _FEWEST_WORDS:
                yield Sentence(said, fold(said), paragraph[first])
            begin = end + 1


def _paragraphs(paper: Paper, skip: frozenset[int]) -> Iterator[list[Line]]:
    """Runs of lines without columns; a blank line, a table or a new entry of a form parts them."""
    run: list[Line] = []
    for line in paper.lines:
        plain = len(line.cells) == 1 and line.index not in skip
        begins = plain and paper.begins_entry(line, line.cells[0])
        if run and (not plain or begins or line.page != run[0].page or len(run) >= _MOST_LINES):
            yield run
            run = []
        if plain:
            run.append(line)
    if run:
        yield run


def _stated(sentence: Sentence, habits: Habits) -> Iterator[tuple[str, int, Reading, float]]:
    """(field, where its text begins, reading, how sure) of each fact of the sentence."""
    for word in WORD.finditer(sentence.folded):
        label = label_at(sentence.folded, word)
        if label is None or label.meaning.field not in _READABLE or label.meaning.rank > 1:
            continue
        found = _value_of(label, sentence, habits) if _MINE.search(sentence.folded[: label.start]) else None
        if found and not _of_others(sentence, label.meaning.field, label.start, found[0]):
            yield (label.meaning.field, *found, _SURE)
    for pattern, field in _SAYINGS:
        for said in pattern.finditer(sentence.folded):
            reading = _reading(field, sentence.text[said.end() :], habits)
            if reading and not _of_others(sentence, field, said.start(), said.end()):
                yield field, said.end(), reading, _LESS_SURE


def _of_others(sentence: Sentence, field: str, start: int, end: int) -> bool:
    """True when the clause, or for a vehicle the sentence, speaks of another case or denies what it says."""
    if field in ("vin", "plate"):
        return bool(_OTHERS.search(sentence.folded))
    clause = max(sentence.folded.rfind(sign, 0, start) for sign in ",;:")
    return bool(_OTHERS.search(sentence.folded, clause + 1, end))


def _value_of(label: Label, sentence: Sentence, habits: Habits) -> tuple[int, Reading] | None:
    """What stands behind the label, and where; what is not shaped like a number needs an 'is', a damage a colon."""
    copula = _IS.match(sentence.folded, label.end)
    field, words = label.meaning.field, sentence.folded[label.start : label.end]
    if copula is None and field in ("damage", "place", "amount_claimed"):
        return None
    if copula and field == "damage" and ":" not in copula[0] and not _PARTS.search(words):
        return None
    at = copula.end() if copula else label.value_at
    reading = _reading(field, sentence.text[at:], habits)
    return (at, reading) if reading else None


def _reading(field: str, text: str, habits: Habits) -> Reading | None:
    """The value `text` begins with, if the sentence ends or pauses behind it."""
    if field == "damage":
        listed = re.match(r"[^.:]{3,900}(?=\.?$)", text)
        return Reading("", listed.end()) if listed else None
    if field == "place":
        named = re.match(r"[^;()]{3,160}?(?=\.?$)", text)
        return Reading(named[0], named.end()) if named else None
    if field == "plate":
        word = re.match(r"[A-Z0-9]+(?:[- ][A-Z0-9]+){0,2}(?=$|[ ]?[.,;)]|[ ]and\b)", text)
        return READERS["plate"](word[0], habits) if word else None
    if field == "amount_claimed":
        amount = read_amount(text.rstrip(" ."), habits.style)
        reading = (
            Reading(format(amount.value, "f"), amount.end, start=amount.start) if amount and amount.certain else None
        )
    elif field == "date_of_loss":
        reading = read_day(text, habits)
    elif field == "vin":
        reading = READERS["vin"](text, habits)
    else:
        reading = read_reference(text)
    whole_word = reading and (field == "date_of_loss" or _ENDS.match(text, reading.end))
    return reading if whole_word else None


def _items(text: str) -> list[str]:
    items = [
        re.sub(r"^(?:the|a|an|its|my)\s+", "", item.strip(" .;:"), flags=re.IGNORECASE)
        for item in _LIST_BREAK.split(text)
    ]
    return [item[:120] for item in items if item][:40]
