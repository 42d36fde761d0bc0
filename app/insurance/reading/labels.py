"""Finding labels in a line.

The law: the longest wording wins, and a label counts only where a label can stand: at the start of a cell, or before
a colon. "The total damage" in a sentence announces nothing.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise

from app.insurance.reading.text import Line
from app.insurance.reading.vocabulary import Meaning, vocabulary


@dataclass(frozen=True, slots=True)
class Label:
    """A label in a line: `end` is behind the words, `value_at` behind colon, leader dots and bracketed hints."""

    meaning: Meaning
    start: int
    end: int
    value_at: int
    announced: bool  # a colon, a hash or a run of dots stands behind it
    at_cell_start: bool
    hint: str


_NUMBER_WORD = r"(?:numbers?\b\.?|num\b\.?|nbr\b\.?|nos?\b\.?|nr\b\.?|n°|n\.\s?°?|#|№)"
_NUMBER_WORDS = frozenset({"number", "numbers", "num", "nbr", "no", "nos", "nr", "n", "#", "№"})
WORD = re.compile(r"[^\W\d_]+|[#№]")
_SEPARATORS = re.compile(r"[ ]?(?:[ ]?[:#=–—]|[ ]-(?=[ ])|[ ]?\.{2,}|[ ]?_{2,}|[ ]?…)*[ ]*")
_RATE = r"\d{1,2}(?:[.,]\d{1,3})?[ ]?%"
_HINT = re.compile(
    rf"[ ]?(?:\([^()]{{0,40}}\)|(?:@[ ]?|(?:at|of|zu|à|a)[ ])?{_RATE}|\*{{1,3}}|(?:unit|vehicle)[ ](?:no\.?[ ]?)?1\b)"
)
_NUMBERED = re.compile(r"[ ]*(?:[(\[]?(?:\d{1,2}[a-z]?|[a-z])[.)\]]|[-•*·▪☐☑])[ ]+")
_ARTICLES = re.compile(rf"(?:the|your|our|votre|ihre?|unsere?|plus|add|{_RATE})[ ]+")


def _pattern(phrase: str) -> str:
    words = [_NUMBER_WORD if word == "#" else re.escape(word) for word in re.findall(r"#|[^\s#]+", phrase)]
    joined = words[0]
    for before, word in pairwise(words):
        joined += (r"[ \-]?" if _NUMBER_WORD in (before, word) else "[ ]") + word
    return joined


def _index() -> dict[str, list[tuple[re.Pattern[str], Meaning]]]:
    """First word → the labels that begin with it, longest first; those that begin with a number word under '#'.

    One alternation of all labels would be tried at every character of the document; this tries a handful per word.
    """
    index: dict[str, list[tuple[re.Pattern[str], Meaning]]] = {}
    for phrase, meaning in vocabulary():
        first = WORD.match(phrase)
        pattern = re.compile(rf"{_pattern(phrase)}(?![^\W\d_]|'[a-z]|/\w)")
        index.setdefault(first[0] if first else "", []).append((pattern, meaning))
    return index


_INDEX = _index()


def labels_in(line: Line) -> list[Label]:
    """The labels of a line, left to right, the longest wording at each place."""
    starts = {_skip(line, cell.start) for cell in line.cells}
    found: list[Label] = []
    position = 0
    for word in WORD.finditer(line.folded):
        if word.start() < position or line.folded[word.start() - 1 : word.start()] == "'":
            continue
        label = label_at(line.folded, word, starts)
        if label:
            position = label.end
            if label.at_cell_start or label.announced:
                found.append(label)
    return found


def label_at(folded: str, word: re.Match[str], starts: Set[int] = frozenset()) -> Label | None:
    """The label that begins with `word`, a match of `WORD`; `starts` are the places where cells begin."""
    start = word.start()
    candidates = _INDEX.get(word[0], [])
    if word[0] in _NUMBER_WORDS:
        candidates = [*_INDEX["#"], *candidates]
    for pattern, meaning in candidates:
        match = pattern.match(folded, start)
        if match:
            end, hint = _past_hints(folded, match.end())
            separator = _SEPARATORS.match(folded, end)
            value_at = separator.end() if separator else end
            announced = bool(separator and separator[0].strip()) or match[0].endswith(("#", "°"))
            return Label(meaning, start, match.end(), value_at, announced, start in starts, hint)
    return None


def _skip(line: Line, start: int) -> int:
    """Where a cell's words begin, behind '3.', a bullet or an article."""
    for prefix in (_NUMBERED, _ARTICLES):
        match = prefix.match(line.folded, start)
        start = match.end() if match else start
    return start


def _past_hints(folded: str, end: int) -> tuple[int, str]:
    hints = ""
    while (hint := _HINT.match(folded, end)) is not None:
        hints += hint[0]
        end = hint.end()
    return end, hints.strip()
