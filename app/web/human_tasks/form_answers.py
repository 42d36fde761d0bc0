"""What a person typed, as an answer.

The law: a text becomes a value only if it is one; else the person reads by the field what to write, and loses
nothing. Whether the answer fits the form `app.humans.complete` decides; this only speaks plainer, and earlier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.core.canonical import parse_json
from app.core.errors import BadInput
from app.core.values.typed_amount import typed_amount
from app.humans import forms
from app.web.http.form_fields import FormField, Kind

_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_NOTHING: Final = object()  # an empty field that is left out of the answer


def read(fields: Sequence[FormField], typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """(the answer, what is wrong by field name)."""
    answer, wrong = dict[str, Any](), dict[str, str]()
    for each in fields:
        try:
            value = _value(each, typed.get(each.posted_as, ""))
        except BadInput as problem:
            wrong[each.name] = str(problem)
        else:
            if value is not _NOTHING:
                answer[each.name] = value
    return answer, wrong


def problems(
    fields: Sequence[FormField],
    answer: Mapping[str, Any],
    wrong: Mapping[str, str],
    schema: Mapping[str, Any],
    outcome: str,
) -> dict[str, str]:
    """`wrong`, and whatever else the form itself has against the answer: a person reads all of it at once."""
    try:
        forms.validated(schema, answer, outcome)
    except BadInput as problem:
        return by_field(str(problem), fields) | dict(wrong)
    return dict(wrong)


def by_field(message: str, fields: Sequence[FormField]) -> dict[str, str]:
    """A refusal in the form "field: why; field: why", put to its fields; what names none stands under ""."""
    found: dict[str, str] = {}
    place = ""
    for part in message.split("; "):
        name, colon, why = part.partition(": ")
        known = next((f.name for f in fields if colon and f.name == name.split(".")[0]), None)
        place, text = (known, why) if known else (place, part)
        found[place] = f"{found[place]}; {text}" if place in found else text
    return found


def _value(each: FormField, text: str) -> Any:
    """The value a text stands for. Raises BadInput with the remedy."""
    if not text.strip():
        return _empty(each)
    return _READERS[each.kind](each, text)


def _empty(each: FormField) -> Any:
    if each.kind == "lines" and not each.nullable:
        return []
    if each.nullable:
        return None
    if each.required:
        raise BadInput("Choose one." if each.kind == "choice" else "This is needed.")
    return "" if each.has_default and each.kind in ("text", "long") else _NOTHING


def _words(each: FormField, text: str) -> str:
    least, most = each.bounds.get("minLength", 0), each.bounds.get("maxLength", len(text))
    if len(text) > most:
        raise BadInput(f"This is too long: {len(text)} characters where {most} are the most.")
    if len(text.strip()) < least:
        raise BadInput(f"This is too short: write at least {least} characters.")
    pattern = each.bounds.get("pattern", "")
    if each.takes_amount and (each.currency or not re.search(pattern, text)):
        text = format(typed_amount(text, currency=each.currency), "f")
    if re.search(pattern, text):
        return text
    raise BadInput(f"This does not have the expected form. {each.hint}".strip())


def _integer(each: FormField, text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise BadInput("Write a whole number, such as 12.")
    return int(_bounded(each, Decimal(text.strip())))


def _decimal(each: FormField, text: str) -> str:
    is_plain = _NUMBER.fullmatch(text.strip()) and not each.currency
    number = Decimal(text.strip()) if is_plain else typed_amount(text, currency=each.currency)
    return format(_bounded(each, number), "f")


def _bounded(each: FormField, number: Decimal) -> Decimal:
    limits: list[tuple[str, Callable[[Decimal], bool], str]] = [
        ("minimum", lambda limit: number >= limit, "at least"),
        ("exclusiveMinimum", lambda limit: number > limit, "more than"),
        ("maximum", lambda limit: number <= limit, "at most"),
        ("exclusiveMaximum", lambda limit: number < limit, "less than"),
    ]
    for name, fits, said in limits:
        if name in each.bounds and not fits(Decimal(str(each.bounds[name]))):
            raise BadInput(f"This must be {said} {each.bounds[name]:g}.")
    return number


def _chosen(each: FormField, text: str) -> Any:
    for choice, _, value in each.choices:
        if choice == text:
            return value
    raise BadInput(f"Choose one of: {', '.join(label for _, label, _ in each.choices)}.")


def _date(each: FormField, text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise BadInput("Write a date as year, month and day, such as 2026-03-31.") from None


_READERS: Mapping[Kind, Callable[[FormField, str], Any]] = {
    "text": _words,
    "long": _words,
    "integer": _integer,
    "number": lambda each, text: float(_decimal(each, text)),
    "decimal": _decimal,
    "choice": _chosen,
    "date": _date,
    "lines": lambda _each, text: [line.strip() for line in text.splitlines() if line.strip()],
    "json": lambda each, text: parse_json(text, what=each.label),
}
