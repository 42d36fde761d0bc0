"""What a downstream can bear, as data. The law: a downstream that no limit names is called freely, at no cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.core.errors import BadInput
from app.core.values.durations import seconds

_HOW = (
    "write it like payments=rate:20/s,burst:5,concurrency:8,failures:5,window:30s,cooldown:10s; several are parted by ;"
)
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """The limits of one downstream, for all workers together.

    rate: calls per second; burst: how many may go at once after a rest. concurrency: calls under way at a time.
    failures: this many within `window` seconds, at least half of all calls, open the breaker; after `cooldown` seconds
    one call probes.
    """

    name: str
    rate: float | None = None
    burst: int = 1
    concurrency: int | None = None
    failures: int = 5
    window: float = 30.0
    cooldown: float = 10.0


@lru_cache(maxsize=8)
def limits(text: str) -> Mapping[str, Limit]:
    """The limits a setting names, by downstream. Raises BadInput naming the part that cannot be read."""
    found = [_limit(part.strip()) for part in text.split(";") if part.strip()]
    return {limit.name: limit for limit in found}


def _limit(part: str) -> Limit:
    name, equals, rest = part.rpartition("=")
    if not equals or not name.strip():
        raise BadInput(f"LONGHAUL_DOWNSTREAMS: {part!r} names no downstream; {_HOW}")
    values: dict[str, float | int] = {}
    for word in filter(None, (word.strip() for word in rest.split(","))):
        key, _, value = word.partition(":")
        values[key] = _value(part, key, value)
    return Limit(name=name.strip(), **values)  # type: ignore[arg-type]


def _value(part: str, key: str, value: str) -> float | int:
    number = value.removesuffix("/s") if key == "rate" else value
    try:
        match key:
            case "rate" if _NUMBER.fullmatch(number) and float(number) > 0:
                return float(number)
            case "burst" | "concurrency" | "failures" if value.isdecimal() and int(value) > 0:
                return int(value)
            case "window" | "cooldown":
                return seconds(value)
    except (ValueError, BadInput):
        pass
    raise BadInput(f"LONGHAUL_DOWNSTREAMS: {key}:{value} of {part!r} cannot be read; {_HOW}")
