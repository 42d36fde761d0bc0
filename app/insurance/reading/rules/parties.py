"""Whose it is: what a paper says of the other side's car, or of an earlier policy, is no fact about this claim.

The law: a label is taken for the claim's own unless the words before it, its bracketed remark, or the heading its
value stands under name somebody else. Then it is left out: to abstain costs less than a stranger's VIN.
"""

from __future__ import annotations

import re

from app.insurance.reading.labels import Label
from app.insurance.reading.paper import Paper, cell_of
from app.insurance.reading.text import Cell, Line

OWNED = frozenset(
    {"claim_number", "policy_number", "vin", "plate", "make", "model", "year", "vehicle", "insured", "claimant"}
)
"""The fields that another party has, too."""
_PARTY = r"(?:part(?:y|ies)|driver|vehicle|car|insurer|insurance|side|motorist|owner)"
_OTHERS = re.compile(
    rf"\b(?:other|third|opposing|opposite|adverse|second)[ -]{_PARTY}\b|\btp\b|\b{_PARTY} (?:no\.? |#)?(?:2|b|ii|two)\b"
    r"|\bunit (?:no\.? |#)?(?:2|b|two)\b|\b(?:previous|former|prior|expired|superseded|earlier|related|replaced)\b"
    r"|\bold (?:policy|claim|vin|plate|registration)\b"
)
_OWN = re.compile(
    rf"\b(?:your|my|our|insured(?:'s)?|first|own|claimant's)[ -](?:{_PARTY}|details)\b|\b(?:policy ?holder|claimant|insured)\b"
    rf"|\b(?:{_PARTY}|unit) (?:no\.? |#)?(?:1|a|i|one)\b"
)
_REACH = 14  # lines
_LONGEST_HEADING = 7  # words


def is_of_others(label: Label, line: Line, paper: Paper) -> bool:
    """True when the label itself, or the heading above it, names another party or an earlier case."""
    if label.meaning.field not in OWNED:
        return False
    cell = cell_of(label, line)
    before = re.split(r"[:;,]", line.folded[cell.start : label.start])[-1]
    if _OTHERS.search(before) or _OTHERS.search(label.hint):
        return True
    if label.at_cell_start and _OTHERS.search(line.folded, label.start, label.end):
        return True
    return under_others(cell, line, paper)


def under_others(place: Cell, line: Line, paper: Paper) -> bool:
    """True when the nearest heading over this place is another party's."""
    for above in reversed(paper.lines[max(0, line.index - _REACH) : line.index]):
        if above.page != line.page:
            return False
        for cell in above.cells:
            if not (cell.overlaps(place, slack=2) or len(above.cells) == 1):
                continue
            heading = above.folded[cell.start : cell.end].rstrip(" :")
            if len(heading.split()) > _LONGEST_HEADING or ":" in heading:
                continue
            if _OTHERS.search(heading):
                return True
            if _OWN.search(heading):
                return False
    return False
