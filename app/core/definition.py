"""What a version of a workflow means, as one text: how its runs move, and what their data and forms hold.

The law: a change that a run under way could trip over is another meaning, and only such a change. Titles, descriptions
and the order of fields are nobody's meaning. The text is `<moves>.<schemas>.<what wrote the schemas>`. A part that one
of two texts lacks, or schemas that two releases of pydantic wrote, cannot be compared, and count as equal: an upgrade of
Longhaul or of pydantic alone strands no run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from app.core.canonical import canonical, digest

_PROSE = frozenset({"title", "description", "examples", "deprecated"})
_NAMES = frozenset({"properties", "patternProperties", "$defs"})  # their keys are names, whatever they look like
_VALUES = frozenset({"const", "default", "discriminator"})
_SETS = frozenset({"required", "enum"})  # their order says nothing
_WRITER = f"pydantic-{'-'.join(pydantic.VERSION.split('.')[:2])}"


def hash_of(moves: str, *, data: type[BaseModel], forms: Mapping[str, type[BaseModel]]) -> str:
    """The text of a definition: `moves` canonical, the data's type, and the form of each state that has one."""
    schemas = {"data": _schema(data), "forms": {state: _schema(form) for state, form in forms.items()}}
    return f"{digest(moves)}.{digest(canonical(schemas))}.{_WRITER}"


def difference(before: str, now: str) -> str | None:
    """What the second text means otherwise than the first, in words; None if nothing."""
    then, here = before.split("."), now.split(".")
    if then[0] != here[0]:
        return "its states, routes or time-outs"
    if len(then) == len(here) == 3 and then[2] == here[2] and then[1] != here[1]:
        return "the fields of its data or of a form"
    return None


class _AnySchema(GenerateJsonSchema):
    """Writes the schema of any model: a field of a type that JSON cannot describe says nothing."""

    ignored_warning_kinds = {"non-serializable-default", "skipped-choice"}  # noqa: RUF012 as its base declares it

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def _schema(model: type[BaseModel]) -> Any:
    return _bare(model.model_json_schema(schema_generator=_AnySchema))


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _part(key, value) for key, value in schema.items() if key not in _PROSE}


def _part(key: str, value: Any) -> Any:
    if key in _NAMES:
        return {name: _bare(part) for name, part in value.items()}
    if key in _VALUES:
        return value
    return sorted(value, key=canonical) if key in _SETS else _bare(value)
