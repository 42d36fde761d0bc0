"""The watch: every worker process looks after the others, so that a killed one is found within seconds.

A thread of its own from the start of the process: no slot, message or beat is needed, and the session it looks by is
old enough when it is. The law: among all processes one looks at a time, about half a period of the heartbeats sweep apart;
whoever reaches a verdict acts on it. Two that reach the same are harmless, as any two sweepers are.

"Lock missing" needs two looks, apart, from one direct session that is itself old enough: a crash, restart or failover
of the database breaks the observer too. If more than half of those that pinged lately miss their lock at once, it is
the database or the network, and only the ping decides. Who is too young to judge does not look either, so that no look
is wasted on it; whoever suspects somebody looks again by itself.

One look is enough, at once and at any age, where the process itself was seen to end (`app.sweeps.neighbours`): a lock
that its dead process cannot take again is missing for good.
"""

from __future__ import annotations

import threading
import time
from uuid import UUID

from app.engine.process.pause import Pause
from app.engine.runtime import Runtime
from app.store.database import Connection, DatabaseError, connect
from app.store.workers import due, workers
from app.sweeps import heartbeats
from app.sweeps.heartbeats import Lost
from app.sweeps.neighbours import Neighbours
from app.telemetry import logs

LOOK_SECONDS = 5.0  # no look takes longer
DUE = 0.75  # of the time between two turns: who is a moment early looks, rather than everybody a turn too late
AGAIN_SECONDS = 0.05  # between looks for the lock of a process that has ended: its session ends a moment later


class Watch:
    """The watch of one process. Idle behind a transaction pooler, where no session is one's own."""

    def __init__(self, rt: Runtime) -> None:
        self._rt, self._observer = rt, Observer(rt)
        self._pause = Pause()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        if self._rt.settings.liveness == "lock":
            self._pause.begin()
            self._thread.start()

    def stop(self) -> None:
        """End; a verdict that is being acted on is acted on."""
        self._pause.end()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> int:
        """One turn; the number of runs taken from workers that are gone."""
        return sum(heartbeats.give_up(self._rt, lost) for lost in self._observer.turn())

    def _run(self) -> None:
        while True:
            try:
                self.turn()
            except Exception as problem:  # whatever it was, the next turn may succeed, or somebody else's
                logs.event("watch_failed", reason=f"{type(problem).__name__}: {problem}")
            # No jitter: who looked last comes first again, and looks are as far apart as they shall be.
            if self._pause.wait(self._observer.seconds_to_next(), self._observer.neighbours.descriptors()):
                break
        self._observer.close()
        self._observer.neighbours.close()
        self._pause.close()


class Observer:
    """One process's own view of which workers have no session any more. For one thread.

    It keeps a session, how long that has stood, what it saw missing at its last looks, and which neighbours ended.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt, self.neighbours = rt, Neighbours(rt)
        self._session: Connection | None = None
        self._since = 0.0
        self._missing: dict[UUID, float] = {}

    def turn(self) -> list[Lost]:
        """What this process knows now. It looks if it is old enough and a look is due among all, or its own second one."""
        try:
            session = self._own()
            self._rt.clock.look(session)
            self.neighbours.meet(session)
            if ended := self.neighbours.ended():
                return self._look_for(session, ended)
            if time.monotonic() - self._since < self._rt.settings.observer_age_seconds:
                return []
            # Once every half a period or a little sooner, by whoever comes first; one that dies in between is no loss.
            if not self._missing and not due.begin_look(session, DUE * self._rt.settings.heartbeats_seconds / 2):
                return []
            return self._look(session)
        except DatabaseError:
            self.close()
            return []

    def seconds_to_next(self) -> float:
        """How long until its next turn: a look among all, or the second one of its own."""
        if self.neighbours.ended():
            return AGAIN_SECONDS
        period, apart = self._rt.settings.heartbeats_seconds / 2, self._rt.settings.looks_apart_seconds
        now = time.monotonic()
        return min([period, *(since + apart - now for since in self._missing.values() if since + apart > now)])

    def close(self) -> None:
        """End the session and forget what it saw."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._missing.clear()

    def _look_for(self, session: Connection, ended: set[UUID]) -> list[Lost]:
        """Neighbours that have ended and whose lock is missing; all who saw them end come at once, and one looks."""
        if not due.begin_look(session, AGAIN_SECONDS, of=due.ENDS):
            return []
        rows = {row.id: row for row in workers.without_lock(session)}
        self.neighbours.forget(ended - rows.keys())
        gone = [rows[worker] for worker in ended & rows.keys() if rows[worker].missing]
        return [Lost(row.id, row.pinged_at, "its process has ended") for row in gone]

    def _look(self, session: Connection) -> list[Lost]:
        """Workers whose lock was missing at this look and at one far enough before."""
        rows = workers.without_lock(session)
        now = time.monotonic()
        # One that has missed a ping as well is no part of a sudden break; one that pings has a lock or soon will.
        suspects = {row.id: row for row in rows if row.missing}
        lately = [row for row in rows if row.silent_seconds < 1.5 * self._rt.settings.ping_seconds]
        if len(lately) > 1 and sum(row.missing for row in lately) * 2 > len(lately):
            for row in lately:
                suspects.pop(row.id, None)  # most at once: not the workers' fault
        self._missing = {worker: self._missing.get(worker, now) for worker in suspects}
        seen = [w for w, since in self._missing.items() if now - since >= self._rt.settings.looks_apart_seconds]
        return [Lost(w, suspects[w].pinged_at, "its database session is gone") for w in seen]

    def _own(self) -> Connection:
        if self._session is None or self._session.closed:
            self._missing.clear()
            # A look whose note is lost in a crash is only repeated: nobody waits for the disk because of it.
            self._session = connect(
                self._rt.settings.database_url,
                "worker",
                statement_seconds=LOOK_SECONDS,
                options="-c synchronous_commit=off",
                application_name="longhaul-observer",
            )
            self._since = time.monotonic()
            due.never_looked(self._session)
        return self._session
