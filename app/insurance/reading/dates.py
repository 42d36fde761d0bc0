"""Dates as people print them.

The law: a day is read only when there is one way to read it. 03/04/2026 is two days until the label, or the other
dates of the same document, say which; 31 February is none. Both keep what was printed and give no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.insurance.reading.folding import fold

Order = Literal["day", "month"]
"""What comes first in a date of three numbers."""

_MONTH_NAMES = """
january jan janvier janv januar jaenner
february feb fevrier fevr februar
march mar mars marz maerz
april apr avril avr
may mai
june jun juin juni
july jul juillet juil juli
august aug aout
september sep sept septembre
october oct octobre oktober okt
november nov novembre
december dec decembre dezember dez
"""
_MONTHS = {name: n for n, names in enumerate(_MONTH_NAMES.strip().splitlines(), start=1) for name in names.split()}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?"
_YEAR = r"(?P<year>\d{4})(?!\d)"
_NUMERIC = re.compile(r"(?P<a>\d{1,2})\s?(?P<sep>[/.\-])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<year>\d{4}|\d{2})(?!\d)")
_NAMED = (
    re.compile(r"(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"{_DAY}[\s\-]*(?:of\s+)?{_MONTH}[\s,\-]*{_YEAR}"),
    re.compile(rf"{_MONTH}[\s\-]*{_DAY}\s*,?[\s\-]*{_YEAR}"),
)
_WEEKDAY = re.compile(r"(?:(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?|on|the|le|am|du|den)\b[.,]?\s*")
_DAY_FIRST_HINT = re.compile(r"d{1,2}\s?[/.\-]\s?m{1,2}|tt\.mm|jj/mm")
_MONTH_FIRST_HINT = re.compile(r"m{1,2}\s?[/.\-]\s?d{1,2}")


@dataclass(frozen=True, slots=True)
class DateRead:
    """A date found at the start of a text: `value` None with the `problem`, or the day. `length` is what it covers."""

    value: date | None
    problem: Literal["impossible", "ambiguous"] | None
    start: int
    end: int


def read_date(text: str, order: Order | None = None) -> DateRead | None:
    """The date that `text` begins with (a weekday may stand before it), or None when it begins with none."""
    folded = fold(text)
    start = 0
    while (weekday := _WEEKDAY.match(folded, start)) is not None:
        start = weekday.end()
    for pattern in _NAMED:
        found = pattern.match(folded, start)
        if found:
            month = found["month"]
            day = _day(int(found["year"]), _MONTHS.get(month) or int(month), int(found["day"]))
            return DateRead(day, None if day else "impossible", start, found.end())
    numeric = _NUMERIC.match(folded, start)
    return _numeric(numeric, order) if numeric else None


def dates_in(text: str, order: Order | None = None) -> list[DateRead]:
    """Every date in `text`, left to right."""
    found: list[DateRead] = []
    position = 0
    for word in re.finditer(r"\w+", text):
        if word.start() < position:
            continue
        read = read_date(text[word.start() :], order)
        if read:
            found.append(DateRead(read.value, read.problem, word.start() + read.start, word.start() + read.end))
            position = word.start() + read.end
    return found


def order_hint(label: str) -> Order | None:
    """What a label says about the order: 'Date of loss (DD/MM/YYYY)'."""
    folded = fold(label)
    if _DAY_FIRST_HINT.search(folded):
        return "day"
    return "month" if _MONTH_FIRST_HINT.search(folded) else None


def order_of(texts: Iterable[str]) -> Order | None:
    """The order that the unambiguous dates with slashes or dashes agree on, else None."""
    seen: set[Order] = set()
    for text in texts:
        for found in _NUMERIC.finditer(text):
            first, second = int(found["a"]), int(found["b"])
            if found["sep"] == "." or (first > 12) == (second > 12):
                continue
            day_first = first > 12
            if _day(_full_year(found["year"]), *((second, first) if day_first else (first, second))):
                seen.add("day" if day_first else "month")
    return seen.pop() if len(seen) == 1 else None


def _numeric(found: re.Match[str], order: Order | None) -> DateRead:
    year, first, second = _full_year(found["year"]), int(found["a"]), int(found["b"])
    readings = {_day(year, second, first): "day", _day(year, first, second): "month"}
    days = {day: named for day, named in readings.items() if day is not None}
    start, end = found.start(), found.end()
    if not days:
        return DateRead(None, "impossible", start, end)
    if found["sep"] == ".":  # dots are written by people who put the day first
        value = _day(year, second, first)
        return DateRead(value, None if value else "impossible", start, end)
    if len(days) == 1:
        return DateRead(next(iter(days)), None, start, end)
    chosen = next((day for day, named in days.items() if named == order), None)
    return DateRead(chosen, None if chosen else "ambiguous", start, end)


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 70 else 1900)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1900 <= year <= 2100 else None
    except ValueError:
        return None
