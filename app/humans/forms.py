"""Forms: an answer is checked against the task's JSON schema, and refused naming the field and the remedy.

The schema was made from a pydantic model when the task was opened and is stored with it, so that an answer given
weeks later is checked against the form the person was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from app.core.errors import BadInput

_MOST_PROBLEMS = 25  # a form has fewer fields, and whoever filled it in reads all that is wrong at once


def validated(schema: Mapping[str, Any], answer: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    """The answer, if it fits the form. Raises BadInput with every field that does not."""
    properties = schema.get("properties", {})
    values = {name: field["default"] for name, field in properties.items() if "default" in field} | dict(answer)
    problems = [
        f"{'.'.join(map(str, error.absolute_path)) or _missing(error)}: {_said(error)}"
        for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(values)
    ]
    if unknown := sorted(set(values) - set(properties)):
        problems.append(f"{', '.join(unknown)}: no such field; the fields are {', '.join(properties)}")
    needed = schema.get("x-needs", {}).get(outcome, [])
    problems += [f"{name}: needed to {outcome.replace('_', ' ')}" for name in needed if not values.get(name)]
    if problems:
        raise BadInput("; ".join(_shortened(problem) for problem in problems[:_MOST_PROBLEMS]))
    return values


def _shortened(problem: str) -> str:
    """The schema library quotes the whole value; a refusal is read by a person."""
    return problem if len(problem) <= 300 else f"{problem[:140]} … {problem[-140:]}"


def _said(error: Any) -> str:
    """What is wrong, without the schema's own language where the field says in words what it takes."""
    if error.validator == "pattern" and (wanted := error.schema.get("description")):
        return f"{error.instance!r} does not fit; write it as the form says: {wanted}"
    return "this is needed" if error.validator == "required" else str(error.message)


def _missing(error: Any) -> str:
    return error.message.split("'")[1] if error.validator == "required" else "answer"


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object. Raises BadInput for anything else."""
    if not isinstance(value, Mapping):
        raise BadInput("data: corrected data must be a JSON object of the fields to change")
    return value
