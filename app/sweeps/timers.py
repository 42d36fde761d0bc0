"""Timers and expiries: waiting runs whose time has come, and waits whose signal is already there.

Every 2 s. A timer is never early: it is compared in database time, in the query that locks the run. However many are
due, one turn is over within a period, so that no more than two of the workers' slots are taken by it; the next turn goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.engine.step.several import apply_each
from app.store.database import Connection
from app.store.workers import due
from app.sweeps import dispatch
from app.telemetry import logs

BATCH = 100  # rows locked at once: who answers a run of the group waits for all of it
ACTOR = "sweep:timers"


def run_once(rt: Runtime) -> dict[str, int]:
    """Wake what is due, batch by batch, each in its own transaction; how many woke."""
    until = time.monotonic() + rt.settings.timers_seconds
    return {"woken": _time(rt, until) + _signals(rt, until)}


def _time(rt: Runtime, until: float) -> int:
    """From the longest due on, and never back in one turn: what was skipped as locked or stuck is the next one's."""
    woken = 0
    since = due.ALWAYS
    stuck: list[UUID] = []  # not found again: the oldest that cannot be moved must not keep the others from it
    while True:

        def batch(db: Connection) -> tuple[list[due.Due], list[advance.Moved]]:
            found = due.timers(db, BATCH, since=since, but=stuck)  # noqa: B023
            wanted = [(one.run, event) for one in found if (event := _event(one)) is not None]
            return found, apply_each(db, wanted, _tell)

        found, moved = rt.database.transact(batch)
        _announce(rt, moved)
        woken += len(moved)
        stuck += {one.run.id for one in found} - {one.run.id for one in moved}
        if len(found) < BATCH or time.monotonic() >= until:
            return woken
        since = found[-1].at


def _signals(rt: Runtime, until: float) -> int:
    happened = Event(
        kind=EventKind.SIGNALLED,
        actor=ACTOR,
        reason="a signal was already there",
        cause={"event": EventKind.SIGNALLED.value},
    )

    def batch(db: Connection) -> list[advance.Moved]:
        return apply_each(db, [(run, happened) for run in due.missed_signals(db, BATCH)], _tell)

    woken = 0
    while True:
        moved = rt.database.transact(batch)
        _announce(rt, moved)
        woken += len(moved)
        if len(moved) < BATCH or time.monotonic() >= until:
            return woken


def _announce(rt: Runtime, moved: Sequence[advance.Moved]) -> None:
    """A few are rung for at once; of many, as many as there is room for, so that others of their queue get a turn meanwhile."""
    if len(moved) < BATCH:
        advance.announce(rt, moved)
        return
    advance.tell(moved)
    dispatch.ring_as_many_as_there_is_room_for(rt, [bell for one in moved if (bell := one.bell())])


def _tell(run: Run, problem: Exception) -> None:
    logs.event("timer_failed", run_id=str(run.id), step=run.state, reason=str(problem))


def _event(found: due.Due) -> Event | None:
    """What the passing of time means for a run; nothing for one that was paused or moved meanwhile."""
    run = found.run
    if found.is_due and run.status is Status.WAITING_FOR_TIMER:
        event, reason = EventKind.TIMER_DUE, "the time has come"
    elif found.is_due and run.status is Status.FAILED_RETRIABLE:
        event, reason = EventKind.RETRIED, f"late retry {run.late_retries + 1}"
    elif found.has_expired:
        event, reason = EventKind.EXPIRED, "nothing came in time"
    else:
        return None
    return Event(kind=event, actor=ACTOR, reason=reason, cause={"event": event.value})
