"""Durations as people write them in a definition ("90s", "15m", "48h", "14d", "2w"), and as they say them ("2 d 4 h")."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from functools import lru_cache

from app.core.errors import InvalidDefinition

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FORM = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")

type_hint = "a number and a unit, such as '90s', '15m', '48h', '14d' or '2w'"


@lru_cache(maxsize=1024)  # a definition's are read when it is checked, at import, and asked for in every step
def seconds(value: str | float | timedelta) -> float:
    """A duration in seconds. Raises InvalidDefinition for anything but a positive duration."""
    if isinstance(value, timedelta):
        result = value.total_seconds()
    elif isinstance(value, str):
        parts = _FORM.findall(value.replace(" ", ""))
        if not parts or "".join(n + u for n, u in parts) != value.replace(" ", ""):
            raise InvalidDefinition(f"{value!r} is no duration; write {type_hint}")
        result = sum(float(n) * _UNITS[u] for n, u in parts)
    else:
        result = float(value)
    if result <= 0:
        raise InvalidDefinition(f"the duration {value!r} is not positive; write {type_hint}")
    return result


def spoken(seconds: float) -> str:
    """A duration as people say it: "0.4 s", "3 m 20 s", "2 d 4 h". One without end began in the future: nobody knows."""
    if math.isinf(seconds):
        return "an unknown time"
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    for size, big, small, unit in ((86400, "d", "h", 3600), (3600, "h", "m", 60), (60, "m", "s", 1)):
        if whole >= size:
            rest = whole % size // unit
            return f"{whole // size} {big}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"
