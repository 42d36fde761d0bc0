"""What an operator may do to a run: cancel, pause, resume, retry, redrive, fail.

The law: each is one transaction under the run's lock, decided by the same table as everything else. A RUNNING run is
asked and goes at its step boundary. Cancelling reaches the children, all in one transaction, locked by ascending id.
"""

from __future__ import annotations

from uuid import UUID

from app.core.canonical import canonical
from app.core.decide import may_cancel
from app.core.errors import Refused
from app.core.lifecycle import ENDED, PAUSES_LATER, EventKind, Status
from app.core.run import Event, Run
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection
from app.store.runs import runs, signals


def cancel(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """Cancel a run and its children. Raises Refused once an irreversible intent stands, or after an ending."""

    def work(db: Connection) -> list[advance.Moved]:
        moved: list[advance.Moved] = []
        locked = _lock_family(db, run_id)
        if not any(run.id == run_id for run in locked):
            may_cancel(advance.lock_or_refuse(db, run_id))
        for run in locked:
            may_cancel(run)
        for run in locked:
            if run.status is Status.RUNNING:
                if not runs.request_cancel(db, run.id):
                    raise Refused("too late to cancel: an irreversible action was begun; ask for its reversal instead")
                signals.note(db, run.id, "cancel requested", canonical({"reason": reason}), actor)
            elif (now := runs.lock(db, run.id)) is not None and now.status not in ENDED:
                moved += advance.apply(db, now, Event(kind=EventKind.CANCELLED, actor=actor, reason=reason))
        return moved

    advance.announce(rt, rt.database.transact(work))


def _lock_family(db: Connection, run_id: UUID) -> list[Run]:
    """The run and its unfinished descendants, locked; read again under the locks, because a parent may just have begun some."""
    locked: dict[UUID, Run] = {}
    while new := [one for one in runs.family(db, run_id) if one not in locked]:
        locked |= {one: run for one in new if (run := runs.lock(db, one)) is not None}
    return [locked[one] for one in sorted(locked)]


def pause(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """READY pauses at once; a running or waiting run pauses where it would next become READY."""

    def work(db: Connection) -> list[advance.Moved]:
        run = advance.lock_or_refuse(db, run_id)
        if run.status in PAUSES_LATER:
            runs.request_pause(db, run_id, True)
            signals.note(db, run_id, "pause requested", canonical({"reason": reason}), actor)
            return []
        return advance.apply(db, run, Event(kind=EventKind.PAUSED, actor=actor, reason=reason))

    advance.announce(rt, rt.database.transact(work))


def resume(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """PAUSED -> READY; or take back a pause that has not come about yet."""

    def work(db: Connection) -> list[advance.Moved]:
        run = advance.lock_or_refuse(db, run_id)
        if run.pause_requested and run.status is not Status.PAUSED:
            runs.request_pause(db, run_id, False)
            signals.note(db, run_id, "pause taken back", canonical({"reason": reason}), actor)
            return []
        return advance.apply(db, run, Event(kind=EventKind.RESUMED, actor=actor, reason=reason))

    advance.announce(rt, rt.database.transact(work))


def retry(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """FAILED_RETRIABLE -> READY at the same step, with fresh attempts."""
    _move(rt, run_id, Event(kind=EventKind.RETRIED, actor=actor, reason=reason))


def redrive(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """DEAD_LETTER -> READY at the same step; completed calls are not repeated."""
    _move(rt, run_id, Event(kind=EventKind.REDRIVEN, actor=actor, reason=reason))


def fail(rt: Runtime, run_id: UUID, *, actor: str, reason: str) -> None:
    """DEAD_LETTER or FAILED_RETRIABLE -> FAILED."""
    _move(rt, run_id, Event(kind=EventKind.FAILED_BY_OPERATOR, actor=actor, reason=reason))


def _move(rt: Runtime, run_id: UUID, happened: Event) -> None:
    def work(db: Connection) -> list[advance.Moved]:
        return advance.apply(db, advance.lock_or_refuse(db, run_id), happened)

    advance.announce(rt, rt.database.transact(work))
