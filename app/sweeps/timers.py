"""Timers and expiries: waiting runs whose time has come, and waits whose signal is already there.

Every 2 s. A timer is never early: it is compared in database time, in the query that locks the run.
"""

from __future__ import annotations

from app.core.errors import Refused
from app.core.lifecycle import Event, Status
from app.core.run import Happened, Run
from app.engine import advance
from app.engine.runtime import Runtime
from app.store import due
from app.store.database import Connection

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
        moved += _wake(db, run, is_due=is_due, has_expired=has_expired)
    for run in due.missed_signals(db, BATCH):
        happened = Happened(
            event=Event.SIGNALLED,
            actor=ACTOR,
            reason="a signal was already there",
            cause={"event": Event.SIGNALLED.value},
        )
        moved += advance.apply(db, run, happened)
    return moved


def _wake(db: Connection, run: Run, *, is_due: bool, has_expired: bool) -> list[advance.Moved]:
    if is_due and run.status is Status.WAITING_FOR_TIMER:
        event, reason = Event.TIMER_DUE, "the time has come"
    elif is_due and run.status is Status.FAILED_RETRIABLE:
        event, reason = Event.RETRIED, f"late retry {run.late_retries + 1}"
    elif has_expired:
        event, reason = Event.EXPIRED, "nothing came in time"
    else:
        return []
    try:
        return advance.apply(db, run, Happened(event=event, actor=ACTOR, reason=reason, cause={"event": event.value}))
    except Refused:
        return []  # the row asks for something its routes do not have; `explain` names it
