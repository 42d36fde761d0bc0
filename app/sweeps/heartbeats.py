"""Heartbeats: takes their runs from workers that are lost and from steps past their deadline, and reassigns them.

Every 2 s: workers that do not ping, and what was left behind. Those whose session is gone are found by the processes
themselves, sooner: see `app.sweeps.watch`. The law: who has only just come back to the database judges nobody's
silence, for all the others may be just coming back too. A worker that is silent while its session stands has not
crashed: what it held counts as if it had been handed back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.engine.step.failures import stopped
from app.store import clock
from app.store.database import Connection
from app.store.workers import due, workers
from app.telemetry import logs

BATCH = 100
DEADLINE_GRACE_SECONDS = 5.0
ACTOR = "sweep:heartbeats"


@dataclass(frozen=True, slots=True)
class Lost:
    """A verdict on a worker. It holds only while the worker's last ping is the one that was seen with it."""

    worker: UUID
    pinged_at: datetime
    reason: str
    lock_stands: bool = False  # so its process lives, and is only cut off, or slow


def run_once(rt: Runtime) -> dict[str, int]:
    """How many workers were given up and how many runs reassigned."""
    verdicts, suspected = rt.database.transact(lambda db: _look(rt, db))
    counts = {"gone": len(verdicts), "reassigned": 0, "overdue": 0}
    for verdict in verdicts:
        counts["reassigned"] += give_up(rt, verdict)
    if _may_judge(rt):
        counts["overdue"] = _overdue(rt)
    counts["reassigned"] += reassign(rt, suspected, isolate=False)
    return counts


def _look(rt: Runtime, db: Connection) -> tuple[list[Lost], list[UUID]]:
    """Who is lost, and what a sweeper that died between its two moves left behind: mostly nobody and nothing."""
    _by_this_clock(rt, db)
    return _silent(rt, db) if _may_judge(rt) else [], [run.id for run in due.suspected(db, BATCH)]


def _may_judge(rt: Runtime) -> bool:
    return rt.holdings.in_touch_seconds() >= rt.settings.observer_age_seconds


def _silent(rt: Runtime, db: Connection) -> list[Lost]:
    """Who does not ping, and who was given up and holds a lease all the same."""

    def lost(unheard: Iterable[workers.Unheard], reason: str) -> list[Lost]:
        return [Lost(worker.id, worker.pinged_at, reason, lock_stands=worker.lock_stands) for worker in unheard]

    silent, again = workers.silent(db, rt.settings.silent_seconds), workers.gone_with_leases(db)
    return lost(silent, "it does not ping") + lost(again, "it had been given up before")


def _by_this_clock(rt: Runtime, db: Connection) -> None:
    """Before anybody is judged by the clock: what it was set by since the last look is no silence and no patience."""
    rt.clock.look_again(db)
    clock.restart(db, "workers")
    clock.restart(db, "leases")


def give_up(rt: Runtime, lost: Lost) -> int:
    """Take every run of a lost worker away, then mark it gone, so that a sweeper killed between does it again.

    One that has pinged since it was judged lives: from its ping on it may send again, so nothing more is taken from it.
    """
    planned, alone = rt.database.transact(lambda db: _judge(db, lost.worker))
    planned = planned or lost.lock_stands  # neither is a crash
    done = 0
    while True:

        def lose(db: Connection) -> list[advance.Moved]:
            if not workers.unheard_since(db, lost.worker, lost.pinged_at):
                return []
            reason = f"the worker is lost: {lost.reason}"
            return _lose(db, due.leased_by(db, lost.worker, BATCH), reason, alone=alone, planned=planned)

        moved = rt.database.transact(lose)
        advance.announce(rt, moved)
        done += reassign(rt, [m.run.id for m in moved], isolate=not alone and not planned)
        if len(moved) < BATCH:
            break
    rt.database.transact(lambda db: workers.give_up(db, lost.worker, lost.pinged_at))
    logs.event("worker_lost", worker=str(lost.worker), reason=lost.reason, runs=done)
    return done


def _judge(db: Connection, worker: UUID) -> tuple[bool, bool]:
    """(its death was planned, it held one run alone)."""
    found = next((w for w in workers.living(db) if w.id == worker), None)
    return bool(found and found.stopping), due.count_leased_by(db, worker) <= 1


def _lose(db: Connection, found: Iterable[Run], reason: str, *, alone: bool, planned: bool) -> list[advance.Moved]:
    moved: list[advance.Moved] = []
    for run in found:
        if run.status is Status.RUNNING:
            moved += advance.apply(
                db, run, Event(kind=EventKind.LOST, actor=ACTOR, reason=reason, alone=alone, planned=planned)
            )
    return moved


def reassign(rt: Runtime, run_ids: list[UUID], *, isolate: bool) -> int:
    """SUSPECTED_DEAD -> READY, or DEAD_LETTER after too many crashes alone."""
    moved: list[advance.Moved] = []
    for run_id in run_ids:
        found = rt.database.transact(lambda db: _reassign_one(rt, db, run_id, isolate))  # noqa: B023
        advance.announce(rt, found)
        moved += found
    return len(moved)


def _reassign_one(rt: Runtime, db: Connection, run_id: UUID, isolate: bool) -> list[advance.Moved]:
    run = advance.lock_or_refuse(db, run_id)
    if run.status is not Status.SUSPECTED_DEAD:
        return []
    if run.crash_attempts >= rt.settings.crashes_alone:
        reason = f"its worker died {run.crash_attempts} times while it ran alone"
        beside = stopped(run, Status.DEAD_LETTER, reason, None)
        return advance.apply(db, run, Event(kind=EventKind.CRASHED_OUT, actor=ACTOR, reason=reason), beside)
    reason = "reassigned, to run alone" if isolate else "reassigned"
    return advance.apply(db, run, Event(kind=EventKind.REASSIGNED, actor=ACTOR, reason=reason, isolate=isolate))


def _overdue(rt: Runtime) -> int:
    """Steps past their deadline: the process may ping, but the step hangs; that counts as a crash alone."""

    def lose(db: Connection) -> list[advance.Moved]:
        found = due.past_deadline(db, grace_seconds=DEADLINE_GRACE_SECONDS, limit=BATCH)
        return _lose(db, found, "past its deadline", alone=True, planned=False)

    moved = rt.database.transact(lose)
    advance.announce(rt, moved)
    reassign(rt, [m.run.id for m in moved], isolate=True)
    return len(moved)
