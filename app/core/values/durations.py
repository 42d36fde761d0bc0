"""Durations as people write them in a definition: "90s", "15m", "48h", "14d", "2w"."""

from __future__ import annotations

import re
from datetime import timedelta

from app.core.errors import InvalidDefinition

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FORM = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")

type_hint = "a number and a unit, such as '90s', '15m', '48h', '14d' or '2w'"


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
