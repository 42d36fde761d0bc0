"""The periodic duties, one a file: interval and threshold on top, `run_once(rt) -> counts`.

The law: a sweep is correct with any number of sweepers at once. Each finds rows with SKIP LOCKED, decides and moves
them under that lock, and rings after the commit.
Imported by `tasks`; their intervals also by commands and the overview.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.core.canonical import canonical
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.workers import due
from app.sweeps import actions, alerts, dispatch, heartbeats, human_tasks, retention, timers
from app.sweeps.schedule import periods

__all__ = [
    "SWEEPS",
    "Counts",
    "actions",
    "alerts",
    "dispatch",
    "heartbeats",
    "human_tasks",
    "periods",
    "retention",
    "run",
    "timers",
]

Counts = dict[str, int]

SWEEPS: Mapping[str, Callable[[Runtime], Counts]] = MappingProxyType(
    {
        "heartbeats": heartbeats.run_once,
        "dispatch": dispatch.run_once,
        "timers": timers.run_once,
        "human_tasks": human_tasks.run_once,
        "actions": actions.run_once,
        "alerts": alerts.run_once,
        "retention": retention.run_once,
    }
)


def run(rt: Runtime, name: str, *, asked_by_beat: bool = False) -> Counts | None:
    """Run one sweep unless another sweeper has just done so; what it did, or None. That beat asked for it is noted."""

    def begin(db: Connection) -> bool:
        if asked_by_beat:
            due.heard_beat(db)
        return due.begin_sweep(db, name, periods(rt.settings)[name])

    if not rt.database.transact(begin):
        return None
    counts = SWEEPS[name](rt)
    rt.database.transact(lambda db: due.end_sweep(db, name, canonical(counts)))
    return counts
