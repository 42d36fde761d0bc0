"""Liveness: how a process shows that it lives, and how it leaves.

The law: one thread pings and holds a session-level advisory lock on a connection of its own, opened after any fork.
The database drops the lock the moment the process dies, however it dies. Worker id and lock are new for every process.
After a break the thread locks again within a second, and no new lease is taken meanwhile.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence

from app.core.errors import LonghaulError
from app.core.lifecycle import Event, Status
from app.core.run import Happened
from app.engine import advance
from app.engine.holdings import Holding
from app.engine.runtime import Runtime
from app.store import runs, workers
from app.store.database import Connection, DatabaseAway, DatabaseError, connect
from app.telemetry import logs


class Liveness:
    """The liveness thread of one worker process."""

    def __init__(
        self, rt: Runtime, *, queues: Sequence[str], slots: int, parent_stops: Callable[[], bool] = lambda: False
    ) -> None:
        self._rt, self._queues, self._slots, self._parent_stops = rt, queues, slots, parent_stops
        self._lock_key = random.SystemRandom().getrandbits(63) - 2**62
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="liveness", daemon=True)
        self._session: Connection | None = None
        self._pinged = 0.0

    def start(self) -> None:
        """Register and lock before the first lease; then keep at it."""
        self._rt.holdings.accepting = False
        with self._rt.database.transaction() as db:
            workers.register(
                db, self._rt.worker_id, lock_key=self._lock_key, liveness=self._rt.settings.liveness, host=socket.gethostname(),
                pid=os.getpid(), queues=self._queues, slots=self._slots,
            )  # fmt: skip
        self._connect()
        self._thread.start()

    def stop(self) -> None:
        """The process ends in order."""
        self._stop.set()
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
            hand_back(self._rt, holding, "planned shutdown")

    def _run(self) -> None:
        period = self._rt.settings.probe_seconds
        while not self._stop.wait(period):
            if self._parent_stops() and not self._rt.holdings.stopping:
                self.shut_down()
            try:
                self._beat()
            except DatabaseError as problem:
                self._rt.holdings.accepting = False
                logs.event("liveness_broken", reason=str(problem).strip())
                self._reconnect()

    def _connect(self) -> None:
        session = connect(self._rt.settings.database_url, "worker", application_name="longhaul-liveness",
                          keepalives_idle=10, keepalives_interval=5, keepalives_count=3)  # fmt: skip
        if self._rt.settings.liveness == "lock" and not workers.lock(session, self._lock_key):
            session.close()
            raise DatabaseAway("the old session still holds the lock")
        self._session = session
        self._ping()

    def _reconnect(self) -> None:
        if self._session is not None:
            self._session.close()
        while not self._stop.wait(min(0.5, self._rt.settings.probe_seconds)):
            try:
                self._connect()
                return
            except DatabaseError as problem:
                logs.event("liveness_waiting", reason=str(problem).strip())

    def _beat(self) -> None:
        assert self._session is not None
        self._session.execute("SELECT 1")
        if time.monotonic() - self._pinged >= self._rt.settings.ping_seconds:
            self._ping()
        overdue = self._rt.holdings.overdue()
        self._rt.holdings.accepting = not overdue and not self._rt.holdings.stopping
        if overdue and len(overdue) == len(self._rt.holdings.all()):
            logs.event(
                "hung",
                reason=f"{len(overdue)} steps are past their deadline and nothing else runs here; the process exits",
            )
            logs.end_process(70)  # the threads cannot be killed; their steps are reassigned by the heartbeats sweep

    def _ping(self) -> None:
        """Show that we live. Threads are vouched for only after their leases were looked at: a process that slept
        may have been given up for dead, and must not send for runs that others have by now."""
        assert self._session is not None
        sent = time.monotonic()
        if not workers.ping(self._session, self._rt.worker_id):
            workers.revive(self._session, self._rt.worker_id)
        self._pinged = sent
        self._compare()
        self._rt.holdings.vouch(sent + self._rt.settings.silent_seconds)
        self._rt.holdings.accepting = not self._rt.holdings.stopping

    def _compare(self) -> None:
        """Leases that are ours no longer are taken from their threads; leases that no thread works on are handed back."""
        assert self._session is not None
        leased = self._rt.holdings.leased()  # before the rows: what is leased after them is not missed in them
        rows = workers.owned(self._session, self._rt.worker_id)
        standing = {row["lease_token"] for row in rows}
        self._rt.holdings.lose(h for h in leased if h.token not in standing)
        held = {
            h.token for h in self._rt.holdings.all()
        }  # after the rows: a lease is held here before it is taken there
        for row in rows:
            if row["lease_token"] not in held:
                orphan = Holding(row["id"], row["step_seq"], row["lease_token"], time.monotonic() + 30)
                hand_back(self._rt, orphan, "no thread works on it")


def hand_back(rt: Runtime, holding: Holding, reason: str) -> None:
    """RUNNING -> READY under our own token, no attempt spent; somebody else may have it already."""

    def work(db: Connection) -> list[advance.Moved]:
        run = runs.lock(db, holding.run_id)
        if run is None or run.lease_token != holding.token or run.status is not Status.RUNNING:
            return []
        return advance.apply(db, run, Happened(event=Event.HANDED_BACK, actor=rt.actor, reason=reason))

    try:
        advance.announce(rt, rt.database.transact(work))
    except (DatabaseError, LonghaulError) as problem:
        logs.event("hand_back_failed", run_id=str(holding.run_id), reason=str(problem))
