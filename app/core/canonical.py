"""Canonical JSON: the one form in which any payload is hashed and stored.

The law: nothing reaches a table, a log or a hash that did not pass `canonical()`. Strict JSON, keys sorted, no NaN
or infinity, depth at most 64. NUL and lone surrogates, which Postgres refuses in jsonb, are escaped reversibly behind
the private-use character U+E000. `storable()` never fails: a result that is no JSON is kept as bytes, because it
may have been paid for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.errors import NotCanonical

MAX_DEPTH = 64
MAX_BYTES = 256 * 1024  # larger payloads are stored by reference
_ESCAPE = "\ue000"
_NUL, _ITSELF = f"{_ESCAPE}0000", f"{_ESCAPE}e000"
_SURROGATES = re.compile("[\ud800-\udfff]+")
_ESCAPES = {code: f"{_ESCAPE}{code:04x}" for code in range(0xD800, 0xE000)}
_ESCAPED = re.compile("\ue000(?!e000)([0-9a-f]{4})")
_Path = tuple[Any, Any] | None  # (the path of what is around it, the key or number in it)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_BIGGEST_INT = 10**4000  # Python refuses to print integers of more than 4,300 digits


def canonical(value: Any) -> str:
    """The canonical JSON text of `value`. Raises NotCanonical naming the path of what cannot be written."""
    return _ENCODER.encode(_plain(value, 0, None))


def storable(value: Any) -> str:
    """Like `canonical`, but never fails: what is no JSON is kept as bytes with the reason beside it."""
    try:
        return canonical(value)
    except NotCanonical as problem:
        reason = str(problem)
    except (RecursionError, ValueError) as problem:
        reason = f"{type(problem).__name__}: {problem}"
    return canonical({"$unstorable": reason, "$bytes": base64.b64encode(_bytes_of(value)).decode("ascii")})


def restore(value: Any) -> Any:
    """A value read back from the store as it was before: escapes undone, keys in the order of the canonical text.

    jsonb gives keys back by their length. Whoever prints or hashes what a call gave must see one order in every attempt.
    """
    if isinstance(value, str):
        return _unescaped(value) if _ESCAPE in value else value
    if isinstance(value, list):
        return [restore(item) for item in value]
    if isinstance(value, dict):
        return {restore(key): restore(item) for key, item in sorted(value.items())}
    return value


def _escaped(text: str) -> str:
    """NUL, of which binary text is full, without a call for each; the escape itself first, as the others bring it in."""
    if text.isascii():  # known of a text without looking; then no search for what it cannot hold
        return text.replace("\0", _NUL)
    text = text.replace(_ESCAPE, _ITSELF).replace("\0", _NUL)
    return _SURROGATES.sub(lambda run: run[0].translate(_ESCAPES), text)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text.replace(_NUL, "\0")).replace(_ITSELF, _ESCAPE)


def digest(text: str) -> str:
    """SHA-256 of a canonical text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_json(text: str | bytes, *, what: str = "the body") -> Any:
    """Parse untrusted JSON. Raises NotCanonical for bad syntax, NaN, or nesting too deep to read."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as problem:
        raise NotCanonical(f"{what} is nested too deeply; at most {MAX_DEPTH} levels are read") from problem
    except (ValueError, UnicodeDecodeError) as problem:
        raise NotCanonical(f"{what} is not valid JSON: {problem}") from problem


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value; use null or a string")


def _plain(value: Any, depth: int, path: _Path) -> Any:
    if depth > MAX_DEPTH:
        raise NotCanonical(f"{_named(path)[:80]}… is nested deeper than {MAX_DEPTH} levels; flatten it")
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str:
        return _escaped(value)
    if kind is int:
        if -_BIGGEST_INT < value < _BIGGEST_INT:
            return value
        raise NotCanonical(f"{_named(path)} is an integer of more than 4,000 digits; send it as a string")
    if kind is float:
        if math.isfinite(value):
            return _as_stored(value)
        raise NotCanonical(f"{_named(path)} is {value}, which JSON cannot hold; use null or a string")
    if isinstance(value, Mapping):
        return {
            _plain(_key(key, path), depth, path): _plain(item, depth + 1, (path, key)) for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1, (path, n)) for n, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, depth + 1, path) for item in value), key=str)
    return _plain(_known(value, path), depth, path)


def _named(path: _Path) -> str:
    """A path as people write it. Only an error needs it: spelled out for every item, a long key would be copied for each below it."""
    parts: list[str] = []
    while path is not None:
        path, at = path
        parts.append(f"[{at}]" if isinstance(at, int) else f".{at}")
    return "$" + "".join(reversed(parts))


def _as_stored(value: float) -> float | int:
    """A number as jsonb gives it back: it knows no negative zero, and writes out what Python gives an exponent."""
    if value == 0:
        return 0.0
    return int(value) if abs(value) >= 1e16 else value


def _key(key: Any, path: _Path) -> str:
    if isinstance(key, str):
        return str(key)
    raise NotCanonical(f"{_named(path)} has a key of type {type(key).__name__}; JSON keys are strings")


def _known(value: Any, path: _Path) -> Any:
    """The JSON shape of the other types a payload may hold."""
    match value:
        case BaseModel():
            return _dumped(value, path)
        case Enum():
            return value.value
        case Decimal() | UUID() | PurePath():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray():
            return {"$bytes": base64.b64encode(value).decode("ascii")}
        case str():
            return str.__str__(value)
        case int():
            return int(value)
        case float():
            return float(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise NotCanonical(f"{_named(path)} is a {type(value).__name__}, which is no JSON; convert it first")


def _dumped(model: BaseModel, path: _Path) -> Any:
    try:
        return model.model_dump(mode="json")
    except (ValueError, RecursionError) as problem:  # too deep, in a circle, or a type that is no JSON
        raise NotCanonical(f"{_named(path)} holds what JSON cannot: {str(problem)[:200]}") from problem


def _bytes_of(value: Any) -> bytes:
    """What can be saved of a value that is no canonical JSON: its bytes, or JSON-like text of any depth."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return "".join(_write_flat(value)).encode("utf-8", "backslashreplace")


def _write_flat(value: Any) -> list[str]:
    """JSON-like text with an explicit stack, because what is too deep for us is too deep for a recursion.

    A container inside itself is written as "$cycle", or there would be no end.
    """
    out: list[str] = []
    stack: list[Any] = [value]
    around: set[int] = set()
    while stack:
        item = stack.pop()
        if isinstance(item, _Leaves):
            around.discard(item.container)
        elif isinstance(item, _Literal):
            out.append(item)
        elif id(item) in around:
            out.append('"$cycle"')
        elif isinstance(item, (Mapping, list, tuple)):
            around.add(id(item))
            stack.append(_Leaves(id(item)))
            stack += reversed(_parts(item))
        else:
            out.append(_leaf(item))
    return out


def _parts(container: Any) -> list[Any]:
    """A container as punctuation and items."""
    if isinstance(container, Mapping):
        named = [
            (_Literal(f"{',' if n else ''}{json.dumps(key if isinstance(key, str) else _leaf(key))}:"), item)
            for n, (key, item) in enumerate(container.items())
        ]
        return [_Literal("{"), *(part for pair in named for part in pair), _Literal("}")]
    listed = [(_Literal("," if n else ""), item) for n, item in enumerate(container)]
    return [_Literal("["), *(part for pair in listed for part in pair), _Literal("]")]


def _leaf(item: Any) -> str:
    """One value as text, whatever it is: a broken `__repr__` or a giant number must not lose the rest."""
    if isinstance(item, (str, bool, type(None))):
        return json.dumps(item)
    if isinstance(item, int):
        return hex(item)
    try:
        return repr(item)
    except Exception as problem:
        return f"<{type(item).__name__}, unprintable: {type(problem).__name__}>"


@dataclass(frozen=True, slots=True)
class _Leaves:
    """Waiting on the stack: from here on we are no longer inside this container."""

    container: int


class _Literal(str):
    """Punctuation waiting on the stack, told apart from strings that are payload."""

    __slots__ = ()
