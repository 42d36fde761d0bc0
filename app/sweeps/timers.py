"""Timers and expiries: waiting runs whose time has come, and waits whose signal is already there.

Every 2 s. A timer is never early: it is compared in database time, in the query that locks the run.
"""

from __future__ import annotations

from app.core.errors import LonghaulError
from app.core.lifecycle import Event, Status
from app.core.run import Happened, Run
from app.engine import advance
from app.engine.runtime import Runtime
from app.store import due
from app.store.database import Connection, DatabaseError
from app.telemetry import logs

BATCH = 200
ACTOR = "sweep:timers"


def run_once(rt: Runtime) -> dict[str, int]:
    """Wake what is due, batch by batch; how many woke."""
    woken = 0
    while True:
        moved = rt.database.transact(_batch)
        advance.announce(rt, moved)
        woken += len(moved)
        if len(moved) < BATCH:
            return {"woken": woken}


def _batch(db: Connection) -> list[advance.Moved]:
    moved: list[advance.Moved] = []
    for run, is_due, has_expired in due.timers(db, BATCH):
        moved += _aside(db, run, _time_for(run, is_due=is_due, has_expired=has_expired))
    for run in due.missed_signals(db, BATCH):
        moved += _aside(
            db,
            run,
            Happened(
                event=Event.SIGNALLED,
                actor=ACTOR,
                reason="a signal was already there",
                cause={"event": Event.SIGNALLED.value},
            ),
        )
    return moved


def _aside(db: Connection, run: Run, happened: Happened | None) -> list[advance.Moved]:
    """One run behind a savepoint: a row that cannot be moved is named and must not stop the others."""
    if happened is None:
        return []
    try:
        with db.transaction():
            return advance.apply(db, run, happened)
    except (LonghaulError, DatabaseError) as problem:
        logs.event("timer_failed", run_id=str(run.id), step=run.state, reason=str(problem))
        return []


def _time_for(run: Run, *, is_due: bool, has_expired: bool) -> Happened | None:
    """What the passing of time means for a run; nothing for one that was paused or moved meanwhile."""
    if is_due and run.status is Status.WAITING_FOR_TIMER:
        event, reason = Event.TIMER_DUE, "the time has come"
    elif is_due and run.status is Status.FAILED_RETRIABLE:
        event, reason = Event.RETRIED, f"late retry {run.late_retries + 1}"
    elif has_expired:
        event, reason = Event.EXPIRED, "nothing came in time"
    else:
        return None
    return Happened(event=event, actor=ACTOR, reason=reason, cause={"event": event.value})
