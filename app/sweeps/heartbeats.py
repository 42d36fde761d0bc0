"""Heartbeats: finds workers that are gone or silent, and steps past their deadline, and reassigns their runs.

Every second. The verdict "lock missing" needs two looks, apart, from one session of the sweeper's own that is itself old
enough: a crash of the database breaks the observer too. If more than half of those that pinged lately miss their lock
at once, it is the database or the network, and only the ping decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.lifecycle import Event, Status
from app.core.run import Happened, Run
from app.engine import advance
from app.engine.failures import stopped
from app.engine.runtime import Runtime
from app.store import due, workers
from app.store.database import Connection, DatabaseError, connect
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


class Observer:
    """One session of a sweeper's own, how long it has stood, and what it saw missing at its last looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Connection | None = None
        self._since = 0.0
        self._missing: dict[UUID, float] = {}

    def stand(self, rt: Runtime) -> None:
        """Open the session now, so that it is old enough when it is needed. A database that is away is found at the next look."""
        with self._lock:
            try:
                self._own(rt)
            except DatabaseError:
                self._forget()

    def is_young(self, rt: Runtime) -> bool:
        """Whether the session is too young to judge."""
        with self._lock:
            return self._session is None or time.monotonic() - self._since < rt.settings.observer_age_seconds

    def looks(self, rt: Runtime) -> list[Lost]:
        """One look, and where a lock is missing a second one by the same session, rather than at its next turn."""
        lost = self.look(rt)
        if self._missing and not lost:
            threading.Event().wait(rt.settings.looks_apart_seconds)
            lost = self.look(rt)
        return lost

    def look(self, rt: Runtime) -> list[Lost]:
        """Workers whose lock was missing at two looks far enough apart, from a session old enough to judge."""
        with self._lock:
            try:
                rows = workers.without_lock(self._own(rt))
            except DatabaseError:
                self._forget()
                return []
            now = time.monotonic()
            # One that has missed a ping as well is no part of a sudden break; one that pings has a lock or soon will.
            suspects = {row["id"]: row for row in rows if row["missing"]}
            lately = [row for row in rows if row["silent_seconds"] < 1.5 * rt.settings.ping_seconds]
            if len(lately) > 1 and sum(row["missing"] for row in lately) * 2 > len(lately):
                for row in lately:
                    suspects.pop(row["id"], None)  # most at once: not the workers' fault
            self._missing = {worker: self._missing.get(worker, now) for worker in suspects}
            if now - self._since < rt.settings.observer_age_seconds:
                return []
            seen = [w for w, since in self._missing.items() if now - since >= rt.settings.looks_apart_seconds]
            return [Lost(w, suspects[w]["pinged_at"], "its database session is gone") for w in seen]

    def close(self) -> None:
        """Look no more."""
        with self._lock:
            self._forget()

    def _own(self, rt: Runtime) -> Connection:
        if self._session is None or self._session.closed:
            self._session = connect(rt.settings.database_url, "worker", application_name="longhaul-observer")
            self._since = time.monotonic()
            self._missing.clear()
        return self._session

    def _forget(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
        self._missing.clear()


_observer = Observer()


def stand(rt: Runtime) -> None:
    """Have this process look from now on, so that it may judge when somebody dies."""
    _observer.stand(rt)


def is_young(rt: Runtime) -> bool:
    """Whether this process cannot judge yet whether a worker is gone."""
    return _observer.is_young(rt)


def run_once(rt: Runtime) -> dict[str, int]:
    """Look; how many workers were given up and how many runs reassigned."""
    lost = _observer.looks(rt)
    silent = rt.database.transact(lambda db: workers.silent(db, rt.settings.silent_seconds))
    lost += [Lost(row["id"], row["pinged_at"], "it does not ping") for row in silent]
    again = rt.database.transact(workers.gone_with_leases)
    lost += [Lost(row["id"], row["pinged_at"], "it had been given up before") for row in again]
    counts = {"gone": 0, "reassigned": 0, "overdue": 0}
    for verdict in lost:
        counts["gone"] += 1
        counts["reassigned"] += _give_up(rt, verdict)
    counts["overdue"] = _overdue(rt)
    counts["reassigned"] += _finish_suspected(rt)
    return counts


def _give_up(rt: Runtime, lost: Lost) -> int:
    """Take every run of a lost worker away, then mark it gone, so that a sweeper killed between does it again.

    One that has pinged since it was judged lives: from its ping on it may send again, so nothing more is taken from it.
    """
    planned, alone = rt.database.transact(lambda db: _judge(db, lost.worker))
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
    row = next((w for w in workers.living(db) if w["id"] == worker), None)
    return bool(row and row["stopping"]), due.count_leased_by(db, worker) <= 1


def _lose(db: Connection, found: Iterable[Run], reason: str, *, alone: bool, planned: bool) -> list[advance.Moved]:
    moved: list[advance.Moved] = []
    for run in found:
        if run.status is Status.RUNNING:
            moved += advance.apply(
                db, run, Happened(event=Event.LOST, actor=ACTOR, reason=reason, alone=alone, planned=planned)
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
        return advance.apply(db, run, Happened(event=Event.CRASHED_OUT, actor=ACTOR, reason=reason), beside)
    reason = "reassigned, to run alone" if isolate else "reassigned"
    return advance.apply(db, run, Happened(event=Event.REASSIGNED, actor=ACTOR, reason=reason, isolate=isolate))


def _overdue(rt: Runtime) -> int:
    """Steps past their deadline: the process may ping, but the step hangs; that counts as a crash alone."""

    def lose(db: Connection) -> list[advance.Moved]:
        found = due.past_deadline(db, grace_seconds=DEADLINE_GRACE_SECONDS, limit=BATCH)
        return _lose(db, found, "past its deadline", alone=True, planned=False)

    moved = rt.database.transact(lose)
    advance.announce(rt, moved)
    reassign(rt, [m.run.id for m in moved], isolate=True)
    return len(moved)


def _finish_suspected(rt: Runtime) -> int:
    """What a sweeper that died between the two moves left behind."""
    found = rt.database.transact(lambda db: [run.id for run in due.suspected(db, BATCH)])
    return reassign(rt, found, isolate=False)
