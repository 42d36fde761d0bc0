"""Timers and expiries: waiting runs whose time has come, and waits whose signal is already there.

Every 2 s. A timer is never early: it is compared in database time, in the query that locks the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.core.errors import LonghaulError
from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection, DatabaseError
from app.store.workers import due
from app.telemetry import logs

BATCH = 20  # rows locked at once: a late retry opens and closes much, and who answers a run of the group waits for all of it
ACTOR = "sweep:timers"


def run_once(rt: Runtime) -> dict[str, int]:
    """Wake what is due, batch by batch, each in its own transaction; how many woke."""
    return {"woken": _time(rt) + _signals(rt)}


def _time(rt: Runtime) -> int:
    woken = 0
    stuck: list[UUID] = []  # not found again: the oldest that cannot be moved must not keep the others from it
    while True:
        found, moved = rt.database.transact(lambda db: _due(db, stuck))  # noqa: B023
        advance.announce(rt, moved)
        woken += len(moved)
        stuck += set(found) - {one.run.id for one in moved}
        if len(found) < BATCH:
            return woken


def _due(db: Connection, stuck: Sequence[UUID]) -> tuple[list[UUID], list[advance.Moved]]:
    found = due.timers(db, BATCH, but=stuck)
    moved: list[advance.Moved] = []
    for run, is_due, has_expired in found:
        moved += _aside(db, run, _time_for(run, is_due=is_due, has_expired=has_expired))
    return [run.id for run, _, _ in found], moved


def _signals(rt: Runtime) -> int:
    happened = Event(
        kind=EventKind.SIGNALLED,
        actor=ACTOR,
        reason="a signal was already there",
        cause={"event": EventKind.SIGNALLED.value},
    )

    def batch(db: Connection) -> list[advance.Moved]:
        return [one for run in due.missed_signals(db, BATCH) for one in _aside(db, run, happened)]

    woken = 0
    while True:
        moved = rt.database.transact(batch)
        advance.announce(rt, moved)
        woken += len(moved)
        if len(moved) < BATCH:
            return woken


def _aside(db: Connection, run: Run, happened: Event | None) -> list[advance.Moved]:
    """One run behind a savepoint: a row that cannot be moved is named and must not stop the others."""
    if happened is None:
        return []
    try:
        with db.transaction():
            return advance.apply(db, run, happened)
    except (LonghaulError, DatabaseError) as problem:
        logs.event("timer_failed", run_id=str(run.id), step=run.state, reason=str(problem))
        return []


def _time_for(run: Run, *, is_due: bool, has_expired: bool) -> Event | None:
    """What the passing of time means for a run; nothing for one that was paused or moved meanwhile."""
    if is_due and run.status is Status.WAITING_FOR_TIMER:
        event, reason = EventKind.TIMER_DUE, "the time has come"
    elif is_due and run.status is Status.FAILED_RETRIABLE:
        event, reason = EventKind.RETRIED, f"late retry {run.late_retries + 1}"
    elif has_expired:
        event, reason = EventKind.EXPIRED, "nothing came in time"
    else:
        return None
    return Event(kind=event, actor=ACTOR, reason=reason, cause={"event": event.value})
