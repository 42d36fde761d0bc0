"""A task's JSON schema as fields of an HTML form. The law: every schema has a form; what is no simple value is JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from app.core.canonical import canonical
from app.core.values.typed_amount import wants_amount
from app.web.http import show

Kind = Literal["text", "long", "integer", "number", "decimal", "choice", "date", "lines", "json"]
Schema = Mapping[str, Any]
PREFIX: Final = "answer."  # of a field's name in the HTML form
_NEVER_EMPTY: Final = ("integer", "number", "decimal", "choice", "date")  # clearing it would bring its default back
_LONG = 200  # characters from which a text gets a larger box
_LONG_NAMES = ("comment", "reason", "note", "description", "explanation", "summary", "text", "finding")


def answers_of(posted: Mapping[str, str]) -> dict[str, str]:
    """The fields of a task's own form among what was posted."""
    return {name: text for name, text in posted.items() if name.startswith(PREFIX)}


@dataclass(frozen=True, kw_only=True, slots=True)
class FormField:
    """One field. `value`: its text as shown. `choices`: (text, label, value). `bounds`: those of the JSON schema.
    `currency`: of the amount that a proposal takes from it."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    required: bool = False
    nullable: bool = False
    has_default: bool = False
    value: str = ""
    choices: Sequence[tuple[str, str, Any]] = ()
    bounds: Schema = field(default_factory=dict)
    currency: str | None = None

    @property
    def posted_as(self) -> str:
        """Its name in the HTML form."""
        return PREFIX + self.name

    @property
    def takes_amount(self) -> bool:
        """Whether its text is an amount."""
        return self.kind == "text" and wants_amount(self.bounds.get("pattern", ""))


def fields_of(
    schema: Schema,
    defaults: Schema,
    typed: Mapping[str, str] | None = None,
    *,
    order: Sequence[str] = (),
    currencies: Mapping[str, str] | None = None,
) -> list[FormField]:
    """The fields of a task's form, with what was `typed` (by posted name), else their defaults.

    The store does not keep the order of a schema's properties: `order` names them as the workflow wrote them; without
    it those that are required come first. `currencies`: of the fields that are amounts to be paid.
    """
    parts = show.ordered(schema.get("properties", {}), [*order, *schema.get("required", ())])
    required = set(schema.get("required", ()))
    found = [_field(schema, name, part, required, defaults, typed or {}) for name, part in parts.items()]
    return [replace(each, currency=(currencies or {}).get(each.name)) for each in found]


def _field(
    root: Schema, name: str, part: Schema, required: set[str], defaults: Schema, typed: Mapping[str, str]
) -> FormField:
    inner, nullable = _resolved(root, part)
    kind = _kind(root, name, inner)
    preset = defaults[name] if name in defaults else part.get("default")
    shown = typed.get(PREFIX + name)
    return FormField(
        name=name,
        label=part.get("title") or inner.get("title") or show.words(name),
        kind=kind,
        hint=_hint(root, name, kind, inner, part),
        required=(name in required or ("default" in part and kind in _NEVER_EMPTY)) and not nullable,
        nullable=nullable,
        has_default="default" in part,
        value=_text(kind, preset) if shown is None else shown,
        choices=_choices(inner) if kind == "choice" else (),
        bounds=next((s for s in inner.get("anyOf", ()) if s.get("type") == "number"), inner),
    )


def _resolved(root: Schema, part: Schema) -> tuple[Schema, bool]:
    """The schema behind references, and whether null is allowed beside it."""
    if "$ref" in part:
        return _resolved(root, root.get("$defs", {}).get(part["$ref"].rpartition("/")[2], {}))
    if len(part.get("allOf", ())) == 1:
        return _resolved(root, part["allOf"][0])
    if isinstance(part.get("type"), list) and "null" in part["type"]:
        rest = [t for t in part["type"] if t != "null"]
        return {**part, "type": rest[0] if len(rest) == 1 else rest}, True
    options = [option for option in part.get("anyOf", ()) if option.get("type") != "null"]
    nullable = len(options) < len(part.get("anyOf", ()))
    if len(options) == 1:
        return _resolved(root, options[0])[0], nullable
    return ({**part, "anyOf": options} if nullable else part), nullable


def _kind(root: Schema, name: str, schema: Schema) -> Kind:
    if "enum" in schema or "const" in schema or schema.get("type") == "boolean":
        return "choice"
    if {option.get("type") for option in schema.get("anyOf", ())} == {"number", "string"}:
        return "decimal"  # how pydantic describes a Decimal: a text keeps it exact
    match schema.get("type"):
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "string" if schema.get("format") == "date":
            return "date"
        case "string":
            is_long = schema.get("maxLength", 0) > _LONG or ("maxLength" not in schema and name.startswith(_LONG_NAMES))
            return "long" if is_long else "text"
        case "array" if _resolved(root, schema.get("items", {}))[0].get("type") == "string":
            return "lines"
    return "json"


def _choices(schema: Schema) -> list[tuple[str, str, Any]]:
    if schema.get("type") == "boolean" and "const" not in schema:
        return [("true", "Yes", True), ("false", "No", False)]
    values = schema.get("enum") or [schema["const"]]
    return [(_choice(value), show.words(value), value) for value in values if value is not None]


def _choice(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _hint(root: Schema, name: str, kind: Kind, schema: Schema, part: Schema) -> str:
    needed_to = [outcome.replace("_", " ") for outcome, names in root.get("x-needs", {}).items() if name in names]
    said = part.get("description") or schema.get("description") or ""
    options = _resolved(root, schema.get("items", {}))[0].get("enum", ()) if kind == "lines" else ()
    how = {
        "lines": f"One per line{': ' + ', '.join(options) if options else ''}.",
        "json": 'A JSON object, such as {"field": "value"}.',
    }
    needed = f"Needed to {' or '.join(needed_to)}." if needed_to and "needed" not in said else ""
    return " ".join(filter(None, [said[:1].upper() + said[1:], how.get(kind, ""), needed]))


def _text(kind: Kind, value: Any) -> str:
    """A default as the text of its field."""
    if value is None:
        return ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    if kind == "json":
        return json.dumps(value, indent=2, ensure_ascii=False, default=str) if value != {} else ""
    return _choice(value) if kind == "choice" else str(value)
