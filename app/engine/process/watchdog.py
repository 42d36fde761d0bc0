"""The watchdog: ends a process that has no use any more, for its supervisor to start another.

The law: a process that may not take a lease for longer than its silence limit, though another in its place could begin,
ends with its exit code; so does one in which every thread is past its deadline. It never ends one that stops anyway, or
that still has a step in work: its result may have to be written. While the database is away it waits: nobody could
begin then. A thread of its own, and nothing but a flag is asked of liveness, which may be what hangs or has died.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.core.ids import new_id
from app.engine.runtime import Runtime
from app.store.database import DatabaseError, connect
from app.store.workers import workers
from app.telemetry import logs

END = 70  # the exit code that asks a supervisor to start the worker again
GRACE_SECONDS = 15.0  # a thread that waited for the database learns of its deadline this late
STATEMENT_SECONDS = 4.0


class Watchdog:
    """The watchdog of one worker process. lives: whether its liveness thread is there. end: what it does, given why."""

    def __init__(
        self,
        rt: Runtime,
        *,
        lives: Callable[[], bool],
        end: Callable[[str], None] | None = None,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._rt, self._lives, self._end, self._grace = rt, lives, end or _exit, grace_seconds
        self._limit = rt.settings.silent_seconds
        self._useless_since: float | None = None
        self._asked = float("-inf")
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. It ends with the process."""
        self._thread.start()

    def turn(self, now: float) -> None:
        """One look, at a monotonic time; ends the process if it is to end."""
        holdings = self._rt.holdings
        if holdings.stopping:
            self._useless_since = None
        elif hung := self._hung():
            self._end(f"{hung} steps are past their deadline and nothing else runs here; the process exits")
        elif holdings.may_lease() and self._lives():
            self._useless_since = None
        else:
            self._useless(now)

    def _run(self) -> None:
        while True:
            threading.Event().wait(min(1.0, self._limit / 10))
            try:
                self.turn(time.monotonic())
            except Exception as problem:  # the next look may succeed; nobody else ends this process
                logs.event("watchdog_failed", reason=f"{type(problem).__name__}: {problem}")

    def _hung(self) -> int:
        """How many threads are past their deadline, if all are: they cannot be killed, and others have their steps."""
        overdue = len(self._rt.holdings.overdue(self._grace))
        return overdue if overdue == len(self._rt.holdings.all()) else 0

    def _useless(self, now: float) -> None:
        """The time counts from when another process could have begun, without a break."""
        if now - self._asked < self._limit / 10:
            return
        self._asked = now
        if not self._could_begin():
            self._useless_since = None
        elif self._useless_since is None:
            self._useless_since = now
        elif now - self._useless_since > self._limit and not self._rt.holdings.in_work():
            self._end(f"it may not take leases for {self._limit:.0f} s, though the database answers; the process exits")

    def _could_begin(self) -> bool:
        try:
            with connect(
                self._rt.settings.database_url,
                "worker",
                statement_seconds=STATEMENT_SECONDS,
                application_name="longhaul-watchdog",
            ) as db:
                return workers.could_begin(db, new_id())
        except DatabaseError:
            return False


def _exit(reason: str) -> None:
    logs.event("useless", reason=reason)
    logs.end_process(END)
