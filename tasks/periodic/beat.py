"""Beat's scheduler: Celery's own, which keeps its last starts on disk. The law: it sleeps until something is due.

Celery's wakes ten milliseconds early and asks, without a pause, until the time has come: half a percent of a core for
sweeps every two seconds. No sweep minds being a few milliseconds late.
"""

from __future__ import annotations

from celery.beat import PersistentScheduler

LATE_SECONDS = 0.005  # so that what a wait was for is due when it ends


class Scheduler(PersistentScheduler):
    """What `beat_scheduler` names."""

    def adjust(self, n: float, drift: float = LATE_SECONDS) -> float:
        """How long to wait where something is due in `n` seconds."""
        return n + drift if n > 0 else n
