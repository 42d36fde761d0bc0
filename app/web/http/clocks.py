"""The clock of a human task: how much of its time is spent, and when it falls due, to the minute."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.core.values.durations import spoken

_SOON = 0.75  # of its time spent: the colour changes before it is late


@dataclass(frozen=True, slots=True)
class Clock:
    """`says`: "due in 3 h 4 m", "overdue by 2 d". `spent`: 0 to 100, of the time from opening to due."""

    kind: Literal["calm", "soon", "late", "none"]
    says: str
    spent: int


def clock(due: datetime | None, opened: datetime, now: datetime) -> Clock:
    """The clock of an open task. A Jinja filter."""
    if due is None:
        return Clock("none", "no due time", 0)
    left = (due - now).total_seconds()
    if left <= 0:
        return Clock("late", f"overdue by {roughly(-left)}", 100)
    whole = max(1.0, (due - opened).total_seconds())
    spent = min(1.0, max(0.0, 1 - left / whole))
    return Clock("soon" if spent >= _SOON else "calm", f"due in {roughly(left)}", round(spent * 100))


def roughly(seconds: float) -> str:
    """A duration to the minute: "under a minute", "12 m", "3 h 4 m", "2 d 4 h". A Jinja filter."""
    return "under a minute" if seconds < 60 else spoken(seconds if math.isinf(seconds) else seconds - seconds % 60)
