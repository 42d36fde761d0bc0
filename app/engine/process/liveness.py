"""Liveness: how a process shows that it lives, and how it leaves.

The law: one thread pings and holds a session-level advisory lock on a connection of its own, opened after any fork.
The database drops the lock the moment the process dies, however it dies. Worker id and lock are new for every process.
A session that breaks is noticed at once, and the thread locks again as soon as the database lets it; no new lease is
taken meanwhile. A step of that which fails closes what it opened, and no exception whatever ends the thread; whether it
still does its work, the watchdog asks.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence

from app.engine.holdings import Holding
from app.engine.process import identity
from app.engine.process.pause import Pause
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection, DatabaseAway, DatabaseError, connect
from app.store.network import Session
from app.store.workers import workers
from app.telemetry import logs

STATEMENT_SECONDS = 4.0  # a probe or a ping that takes longer is a break
PAUSE_SECONDS = 0.5  # between two tries to lock again


class Liveness:
    """The liveness thread of one worker process."""

    def __init__(
        self, rt: Runtime, *, queues: Sequence[str], slots: int, parent_stops: Callable[[], bool] = lambda: False
    ) -> None:
        self._rt, self._queues, self._slots, self._parent_stops = rt, queues, slots, parent_stops
        self._lock_key = _new_key()
        self._pause = Pause()
        self._thread = threading.Thread(target=self._run, name="liveness", daemon=True)
        self._session: Session | None = None
        self._broke = False
        self._pinged = 0.0

    def start(self) -> None:
        """Register and lock before the first lease; then keep at it."""
        self._rt.holdings.lost_touch()
        with self._rt.database.transaction() as db:
            self._register(db)
        self._connect()
        self._pause.begin()
        self._thread.start()

    def works(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """The process ends in order."""
        self._pause.end()
        if self._thread.is_alive():
            self._thread.join(timeout=3)
        try:
            with self._rt.database.transaction() as db:
                workers.leave(db, self._rt.worker_id)
        except DatabaseError as problem:
            logs.event("leave_failed", reason=str(problem))
        if self._session is not None:
            self._session.close()

    def shut_down(self) -> None:
        """A planned shutdown: say so, take no more, hand back every lease without an open intent."""
        holdings = self._rt.holdings
        holdings.accepting, holdings.stopping = False, True
        try:
            with self._rt.database.transaction() as db:
                workers.stopping(db, self._rt.worker_id)
        except DatabaseError as problem:
            logs.event("stopping_not_recorded", reason=str(problem))
        for holding in holdings.without_intent():
            advance.hand_back(self._rt, holding, "planned shutdown")

    def _run(self) -> None:
        while not self._pause.wait(self._pause_seconds(), self._heard()):
            try:
                self._turn()
            except Exception as problem:  # whatever it is: who cannot say that it lives takes no lease, and tries again
                self._broken(problem)
        self._pause.close()

    def _pause_seconds(self) -> float:
        """Until the next probe, or the next try to lock again: the first after a break is made at once."""
        at_once, self._broke = self._broke, False
        if self._session is not None:
            return self._rt.settings.probe_seconds
        return 0.0 if at_once else min(PAUSE_SECONDS, self._rt.settings.probe_seconds)

    def _heard(self) -> list[int]:
        """What ends a pause: the session says something nobody asked for, as when it breaks."""
        return [self._session.fileno()] if self._session is not None and not self._session.closed else []

    def _turn(self) -> None:
        if self._parent_stops() and not self._rt.holdings.stopping:
            self.shut_down()
        if self._session is None:
            self._connect()
        else:
            self._beat(self._session)

    def _broken(self, problem: Exception) -> None:
        """A session that is sound all the same keeps its lock, and pings again with the next turn."""
        self._rt.holdings.lost_touch()
        session, kind = self._session, "liveness_waiting" if self._session is None else "liveness_broken"
        if session is not None and not session.is_sound:
            self._session, self._broke = None, True
            session.close()
        logs.event(kind, reason=str(problem).strip() or type(problem).__name__)

    def _connect(self) -> None:
        session = connect(
            self._rt.settings.database_url,
            "worker",
            statement_seconds=STATEMENT_SECONDS,
            application_name="longhaul-liveness",
        )
        try:
            if self._rt.settings.liveness == "lock":
                self._lock(session)
            self._ping(session)
        except BaseException:
            session.close()
            raise
        self._session = session

    def _lock(self, session: Connection) -> None:
        """Take our lock. Where a session of ours that we gave up still holds it, take another, and say so."""
        if not workers.lock(session, self._lock_key):
            key = _new_key()
            if not workers.lock(session, key):
                raise DatabaseAway("another session holds the lock that was drawn")
            workers.is_locked_by(session, self._rt.worker_id, key)
            self._lock_key = key

    def _beat(self, session: Connection) -> None:
        session.execute("SELECT 1")
        if (
            self._rt.holdings.in_touch_seconds() == 0
            or time.monotonic() - self._pinged >= self._rt.settings.ping_seconds
        ):
            self._ping(session)
        self._rt.holdings.accepting = not self._rt.holdings.overdue() and not self._rt.holdings.stopping

    def _ping(self, session: Connection) -> None:
        """Show that we live. Threads are vouched for only after their leases were looked at: a process that slept
        may have been given up for dead, and must not send for runs that others have by now."""
        sent = time.monotonic()
        known = workers.ping(session, self._rt.worker_id, host_clock=time.time())
        if not known:
            self._register(session)
        taken = self._compare(session)
        if not known:
            self._clear(session, taken)
        self._pinged = sent
        self._rt.holdings.vouch(sent + self._rt.settings.silent_seconds)
        self._rt.holdings.in_touch()
        self._rt.holdings.accepting = not self._rt.holdings.stopping

    def _register(self, db: Connection) -> None:
        workers.register(
            db,
            self._rt.worker_id,
            lock_key=self._lock_key,
            liveness=self._rt.settings.liveness,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=identity.own(),
            queues=self._queues,
            slots=self._slots,
        )

    def _compare(self, session: Connection) -> list[Holding]:
        """Leases that are ours no longer are taken from their threads; leases that no thread works on are handed back."""
        leased = self._rt.holdings.leased()  # before the rows: what is leased after them is not missed in them
        rows = workers.owned(session, self._rt.worker_id)
        standing = {row.lease_token for row in rows}
        taken = [h for h in leased if h.token not in standing]
        self._rt.holdings.lose(taken)
        held = {
            h.token for h in self._rt.holdings.all()
        }  # after the rows: a lease is held here before it is taken there
        for row in rows:
            if row.lease_token not in held:
                orphan = Holding(row.id, row.step_seq, row.lease_token, time.monotonic() + 30)
                advance.hand_back(self._rt, orphan, "no thread works on it")
        return taken

    def _clear(self, session: Connection, taken: list[Holding]) -> None:
        """We were given up and live: what was taken from us was no crash. Only one run that was held alone was counted."""
        taken += self._rt.holdings.given_up()
        if len({held.run_id for held in taken}) == 1 and any(
            workers.was_no_crash(session, held.run_id, held.token) for held in taken
        ):
            logs.event("no_crash", run_id=str(taken[0].run_id), reason="its worker was cut off, and lives")


def _new_key() -> int:
    return random.SystemRandom().getrandbits(63) - 2**62
