"""The periodic duties, one a file: interval and threshold on top, `run_once(rt) -> counts`.

The law: a sweep is correct with any number of sweepers at once. Each finds rows with SKIP LOCKED, decides and moves
them under that lock, and rings after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.core.canonical import canonical
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store import due
from app.sweeps import dispatch, heartbeats, timers

Counts = dict[str, int]

SWEEPS: Mapping[str, Callable[[Runtime], Counts]] = MappingProxyType(
    {"heartbeats": heartbeats.run_once, "dispatch": dispatch.run_once, "timers": timers.run_once}
)


def periods(settings: Settings) -> dict[str, float]:
    """How often each sweep runs, in seconds."""
    return {
        "heartbeats": settings.heartbeats_seconds,
        "dispatch": settings.dispatch_seconds,
        "timers": settings.timers_seconds,
    }


def run(rt: Runtime, name: str) -> Counts | None:
    """Run one sweep unless another sweeper has just done so; what it did, or None."""
    every = periods(rt.settings)[name]
    if not rt.database.transact(lambda db: due.begin_sweep(db, name, every)):
        return None
    counts = SWEEPS[name](rt)
    rt.database.transact(lambda db: due.end_sweep(db, name, canonical(counts)))
    return counts
