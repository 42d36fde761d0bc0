"""Answers and payloads as they are typed: JSON, @FILE, or field by field on top of what a form starts with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.canonical import parse_json
from app.core.errors import BadInput, NotCanonical
from app.core.values.typed_amount import typed_amount, wants_amount

if TYPE_CHECKING:
    from app.store.human_tasks.rows import HumanTask

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")


def payload_of(text: str, *, what: str) -> Any:
    """JSON as given, or read from the file after `@`. Raises BadInput naming `what`."""
    if text.startswith("@"):
        try:
            return parse_json(Path(text[1:]).read_bytes(), what=f"{what} {text}")
        except OSError as problem:
            raise BadInput(f"{what}: {text[1:]} cannot be read: {problem.strerror}") from problem
    return parse_json(text, what=what)


def answer_of(task: HumanTask, whole: str | None, fields: Sequence[str]) -> dict[str, Any]:
    """A human task's answer: `whole` alone, or else the form's own defaults with `fields` on top, as on its page."""
    if whole is not None and fields:
        raise BadInput("give either --answer, the whole answer, or --set, field by field")
    if whole is not None:
        value = payload_of(whole, what="--answer")
        if not isinstance(value, dict):
            raise BadInput('--answer must be one JSON object, such as {"comment": "…"}')
        return value
    form = task.form
    known = form.get("properties", {})
    answer: dict[str, Any] = {name: value for name, value in task.defaults.items() if name in known}
    currencies = {p["amount_field"]: p["currency"] for p in task.proposals if p.get("amount_field")}
    for field in fields:
        name, equals, text = field.partition("=")
        if not equals or not name:
            raise BadInput(f"--set {field!r} must be FIELD=VALUE; the fields are {', '.join(known)}")
        _put(answer, name.split("."), _value(name, known.get(name, {}), text, currencies.get(name)))
    return answer


def _put(answer: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a field, or by `a.b` a field of a field."""
    place = answer
    for name in path[:-1]:
        inner = place.get(name)
        place[name] = dict(inner) if isinstance(inner, dict) else {}
        place = place[name]
    place[path[-1]] = value


def _value(name: str, schema: Mapping[str, Any], text: str, currency: str | None = None) -> Any:
    """What was typed, in the type the form asks for: where it takes text, text; else JSON, and text if it is none."""
    if "string" in _types(schema):
        return None if text == "null" and "null" in _types(schema) else _plain(name, schema, text, currency)
    try:
        return parse_json(text, what="--set")
    except NotCanonical:
        return text


def _plain(name: str, schema: Mapping[str, Any], text: str, currency: str | None) -> str:
    """An amount as people write it, as the form takes it; any other text as it is."""
    is_amount = "number" in _types(schema) or wants_amount(schema.get("pattern", ""))
    if not is_amount or not text.strip() or (_NUMBER.fullmatch(text) and not currency):
        return text
    try:
        return format(typed_amount(text, currency=currency), "f")
    except BadInput as problem:
        raise BadInput(f"--set {name}: {text!r} cannot be taken. {problem}") from None


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types a field takes."""
    named = schema.get("type", [])
    found = {named} if isinstance(named, str) else set(named)
    if "enum" in schema:
        found |= {"string" for value in schema["enum"] if isinstance(value, str)}
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= _types(inner)
    return found
