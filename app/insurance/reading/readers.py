"""How each kind of value is read from the text that stands at its place.

The law: a reader says what it is sure of, or None. None of them looks further than the text it was handed, and a
value that is merely possible (a name with a digit, a sentence where a number should be) is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from app.core.values.amounts import Style, read_amount
from app.insurance.reading.dates import Order, dates_in, order_hint, read_date
from app.insurance.reading.folding import fold


@dataclass(frozen=True, slots=True)
class Habits:
    """How this document writes dates and decimals; None where it does not say."""

    order: Order | None
    style: Style | None

    def hinted(self, label_hint: str) -> Habits:
        """With the order of dates that a label asks for: 'Date of loss (DD/MM/YYYY)'."""
        order = order_hint(label_hint)
        return replace(self, order=order) if order else self


@dataclass(frozen=True, slots=True)
class Reading:
    """A value at the start of a text; `end` is the length read, `certainty` how plainly it is of its kind."""

    value: str | None
    end: int
    certainty: float = 1.0
    problem: Literal["impossible", "ambiguous"] | None = None
    start: int = 0


Reader = Callable[[str, Habits], Reading | None]

NOTHING = frozenset(
    {"n/a", "na", "n.a.", "none", "unknown", "not known", "not yet known", "tbd", "tba", "-", "--", "nil", "keine"}
    | {"not available", "not applicable", "see above", "as above", "to be determined", "aucun"}
)
"""What people write where they have nothing to write."""
_REFERENCE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-/._]*[A-Za-z0-9]|[A-Za-z0-9]")
_NAME_WORD = re.compile(r"[^\W\d_][^\W\d_'’.\-]*(?:['’.\-][^\W\d_]+)*\.?")
_PARTICLES = frozenset(
    {"de", "del", "der", "den", "van", "von", "da", "di", "la", "le", "el", "al", "bin", "and", "&", "zu"}
)
_NO_NAMES = frozenset(
    {
        "details",
        "information",
        "section",
        "form",
        "vehicle",
        "policy",
        "claim",
        "report",
        "number",
        "name",
        "names",
        "date",
    }
    | {
        "page",
        "signature",
        "statement",
        "particulars",
        "data",
        "address",
        "phone",
        "telephone",
        "email",
        "contact",
        "loss",
    }
    | {"accident", "incident", "damage", "description", "insurer", "documents"}
)
_VIN = re.compile(r"[A-Za-z0-9]{17}(?![A-Za-z0-9])")
_SPACED_VIN = re.compile(r"[A-Za-z0-9]+(?:[ \-][A-Za-z0-9]+)*")
_PLATE = re.compile(r"[A-ZÄÖÜ0-9]+(?:[ ·\-][A-ZÄÖÜ0-9]+){0,3}(?=$|[ ]*[(,;])")
_YEAR = re.compile(r"(?:19|20)\d{2}(?!\d)")
_VEHICLE = (
    re.compile(r"(?P<year>(?:19|20)\d{2})(?:\s*[/,]\s*|\s+)(?P<make>[^\s/,]+)(?:\s*[/,]\s*|\s+)(?P<model>[^/,(]+)"),
    re.compile(r"(?P<make>[^\s/,\d]+)(?:\s*[/,]\s*|\s+)(?P<model>[^/,(]+?)\s*[(,/]\s*(?P<year>(?:19|20)\d{2})\b"),
    re.compile(r"(?P<make>[^\s/,\d]+)\s*/\s*(?P<model>[^/,(]+)"),
)


def read_day(text: str, habits: Habits) -> Reading | None:
    """A date, as ISO 8601; None as value when it is no day or more than one."""
    read = read_date(text, habits.order)
    if read is None:
        return None
    value = read.value.isoformat() if read.value else None
    return Reading(value, read.end, problem=read.problem, start=read.start)


def read_money(text: str, habits: Habits) -> Reading | None:
    """An amount, as a plain decimal."""
    read = read_amount(text, habits.style)
    if read is None:
        return None
    return Reading(format(read.value, "f"), read.end, 1.0 if read.certain else 0.85, start=read.start)


def read_reference(text: str) -> Reading | None:
    """A number somebody gave: letters, digits and dashes, with at least one digit, at most 40 long."""
    end = 0
    words: list[str] = []
    while (match := _REFERENCE_WORD.match(text, end)) is not None and len(words) < 5:
        word = match[0]
        has_digit = any(c.isdigit() for c in word)
        is_prefix = not words and word.isupper() and len(word) <= 4
        if not has_digit and not is_prefix:
            break
        words.append(word)
        end = match.end()
        if text[end : end + 1] != " ":
            break
        end += 1
    value = " ".join(words)
    if not any(c.isdigit() for c in value) or len(value) > 40:
        return None
    return Reading(value, len(text[:end].rstrip()))


def read_name(text: str) -> Reading | None:
    """A person's or a firm's name: two to six capitalised words and nothing behind them but a remark."""
    end, words = 0, 0
    while (match := _NAME_WORD.match(text, end) or re.compile("&").match(text, end)) is not None:
        word = match[0]
        if word.lower().strip(".") in _NO_NAMES or not (word[0].isupper() or word.lower() in _PARTICLES):
            return None
        words, end = words + 1, match.end()
        comma = re.compile(r",? ").match(text, end)
        if not comma:
            break
        end = comma.end()
    rest = text[end:].strip()
    value = text[:end].strip().rstrip(",")
    if not 2 <= words <= 6 or (rest and rest[0] not in "(,;"):
        return None
    return Reading(value, len(value))


def read_vin(text: str) -> Reading | None:
    """17 letters and digits, however they are grouped. Whether they make a valid number is a check's business."""
    match = _VIN.match(text)
    if match:
        return Reading(match[0].upper(), match.end())
    spaced = _SPACED_VIN.match(text)
    plain = re.sub(r"[ \-]", "", spaced[0]) if spaced else ""
    if spaced and len(plain) == 17 and sum(c.isdigit() for c in plain) >= 4:
        return Reading(plain.upper(), spaced.end(), 0.95)
    return None


def read_plate(text: str) -> Reading | None:
    """A registration mark: capitals and digits, both, at most 11 long, nothing behind it."""
    match = _PLATE.match(text.strip())
    if not match or not 2 <= len(match[0]) <= 11 or not any(c.isdigit() for c in match[0]):
        return None
    if not any(c.isalpha() for c in match[0]):
        return None
    return Reading(match[0], match.end())


def read_year(text: str) -> Reading | None:
    """A year of four digits."""
    match = _YEAR.match(text)
    return Reading(match[0], 4) if match else None


def read_words(text: str) -> Reading | None:
    """A short text in one cell."""
    value = text.strip().rstrip(".;,")
    if fold(value) in NOTHING or not any(c.isalnum() for c in value) or len(value) > 160:
        return None
    return Reading(value, len(value))


def _plain(reader: Callable[[str], Reading | None]) -> Reader:
    return lambda text, _habits: reader(text)


_BY_READER: dict[Reader, tuple[str, ...]] = {
    _plain(read_reference): ("claim_number", "policy_number", "police_report_number", "invoice_number"),
    _plain(read_name): ("claimant", "insured", "name"),
    _plain(read_vin): ("vin",),
    _plain(read_plate): ("plate",),
    _plain(read_year): ("year",),
    _plain(read_words): ("make", "model", "place"),
    read_day: ("date_of_loss", "document_date", "period_start", "period_end"),
    read_money: ("amount_claimed", "deductible", "subtotal", "tax", "total", "due"),
}
READERS: dict[str, Reader] = {field: reader for reader, fields in _BY_READER.items() for field in fields}
NEEDS_ANNOUNCEMENT = frozenset({"claimant", "insured", "name", "plate", "make", "model", "place", "vehicle", "period"})
"""Fields whose values look like any other words: read only behind a colon, beside or below the label."""


def split_period(text: str, habits: Habits) -> dict[str, Reading]:
    """First and last day of '3 June 2024 to 2 June 2025'."""
    dates = dates_in(text, habits.order)
    if len(dates) != 2:
        return {}
    return {
        field: Reading(read.value.isoformat() if read.value else None, read.end, 0.95, read.problem, read.start)
        for field, read in zip(("period_start", "period_end"), dates, strict=True)
    }


def split_vehicle(text: str, _habits: Habits) -> dict[str, Reading]:
    """Year, make and model of '2021 Alder Brisa' or 'Alder Brisa (2021)'."""
    for pattern in _VEHICLE:
        match = pattern.match(text)
        if match:
            return {
                part: Reading(match[part].strip(), match.end(part), 0.85, start=match.start(part))
                for part in match.groupdict()
            }
    return {}


SPLITTERS: dict[str, Callable[[str, Habits], dict[str, Reading]]] = {
    "period": split_period,
    "vehicle": split_vehicle,
}
