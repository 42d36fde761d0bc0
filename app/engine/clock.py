"""A process's own view of the database's clock: whether it was set.

The law: a step is believed only if no pause of this process, of the database or of the network can explain it: what the
database's clock gained is compared with the longest, what it lost with the shortest time that may have passed here.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from app.store import clock
from app.store.database import Connection
from app.telemetry import logs

LEAST_STEP_SECONDS = 5.0  # what is less is borne by every limit there is
_OURS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # unlike the other, it counts while the machine sleeps


def age(moment: datetime, now: datetime, step: clock.Step | None) -> tuple[float, float]:
    """How many seconds old something is at least, and how much older it may be: the clock that dated it may have been set since."""
    since = (now - moment).total_seconds()
    forward, back = (step.forward_since(moment), step.back_since(moment)) if step else (0.0, 0.0)
    return max(0.0, since - forward), max(back, -since, 0.0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The database's time, read between two moments of ours."""

    at: datetime
    asked: float
    answered: float


class Clock:
    """The last look at the database's clock. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: _Seen | None = None

    def look(self, db: Connection) -> float:
        """Compare the clocks, and let all know if the database's was set since the last look; by how many seconds it was."""
        with self._lock:
            before, seen = self._seen, _read(db)
            by = _step(before, seen) if before else 0.0
            if before and by:
                since = seen.answered - before.asked
                noted = clock.note_step(db, by, noticed_within=since + LEAST_STEP_SECONDS)
            self._seen = seen  # not before it is noted: what could not be written is seen again
        if by and noted:
            logs.event(
                "clock_set", reason=f"the database's clock was set {'forward' if by > 0 else 'back'} by {abs(by):.0f} s"
            )
        return by

    def look_again(self, db: Connection) -> float:
        """The same for somebody about to judge by the clock; nothing where this process does not watch it."""
        return self.look(db) if self._seen else 0.0


def _read(db: Connection) -> _Seen:
    asked = time.clock_gettime(_OURS)
    at = clock.now(db)
    return _Seen(at, asked, time.clock_gettime(_OURS))


def _step(before: _Seen, after: _Seen) -> float:
    theirs = (after.at - before.at).total_seconds()
    gained, lost = theirs - (after.answered - before.asked), theirs - (after.asked - before.answered)
    if gained >= LEAST_STEP_SECONDS:
        return gained
    return lost if lost <= -LEAST_STEP_SECONDS else 0.0
