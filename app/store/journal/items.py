"""One write on its way through the journal, and the line in which a run's writes wait behind one that is retried aside.

The law: an item is answered once: with rows, with a problem, or with "do it yourself, aside". A caller that gives up
says so under the same lock, so an item nobody waits for any more is never sent: an intent without its caller would
be a call of unknown outcome that nobody made.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from app.core.errors import StoreUnavailable
from app.store.journal.pipeline import Encoded, Rows, encode
from app.store.runs.moves import Statement

MIN_PATIENCE_SECONDS = 1.0  # a write past its deadline is still tried: the lease decides, not the clock


class Item:
    """The statements of one write. `until` is in monotonic seconds; `size` in bytes."""

    __slots__ = (
        "_answered",
        "_lock",
        "_problem",
        "_rows",
        "_waiting",
        "aside",
        "asynchronous",
        "encoded",
        "run_id",
        "size",
        "statements",
        "until",
    )

    def __init__(self, run_id: UUID, statements: Sequence[Statement], until: float, *, asynchronous: bool) -> None:
        self.run_id, self.statements, self.asynchronous = run_id, statements, asynchronous
        self.until = max(until, time.monotonic() + MIN_PATIENCE_SECONDS)
        self.encoded: list[Encoded] = encode(statements)
        self.size = sum(encoded.size for encoded in self.encoded)
        self.aside = False
        self._rows: list[Rows] | None = None
        self._problem: BaseException | None = None
        self._lock, self._waiting = threading.Lock(), True
        self._answered = threading.Lock()
        self._answered.acquire()

    @property
    def awaited(self) -> bool:
        """Whether its caller still waits for an answer."""
        return self._waiting

    def wait(self) -> list[Rows] | None:
        """The rows, or None if the caller is to write aside. Raises StoreUnavailable when the time is over."""
        if not self._answered.acquire(timeout=min(threading.TIMEOUT_MAX, max(0.0, self.until - time.monotonic()))):
            with self._lock:
                gave_up, self._waiting = self._waiting, False
            if gave_up:
                raise StoreUnavailable("the database did not answer before the step's deadline")
        if self._problem is not None:
            raise self._problem
        return self._rows

    def answer(self, rows: list[Rows]) -> None:
        """Committed."""
        self._settle(rows=rows)

    def fail(self, problem: BaseException) -> None:
        """Not written. Each caller raises an exception object of its own."""
        self._settle(problem=copy.copy(problem))

    def send_aside(self) -> bool:
        """Tell the caller to write on a connection of the pool; False if it waits no longer."""
        return self._settle(aside=True)

    def _settle(
        self, *, rows: list[Rows] | None = None, problem: BaseException | None = None, aside: bool = False
    ) -> bool:
        with self._lock:
            if not self._waiting:
                return False
            self._rows, self._problem, self.aside, self._waiting = rows, problem, aside, False
        self._answered.release()
        return True


class Lines:
    """The runs of which an item is being written aside, each with what came for it meanwhile, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._behind: dict[UUID, deque[Item]] = {}

    def open(self, item: Item) -> None:
        """Send an item aside; what comes later for its run waits in line."""
        with self._lock:
            if item.send_aside():
                self._behind[item.run_id] = deque()

    def join(self, item: Item) -> bool:
        """Wait in line, if the item's run has one."""
        if not self._behind:
            return False
        with self._lock:
            line = self._behind.get(item.run_id)
            if line is not None:
                line.append(item)
            return line is not None

    def advance(self, run_id: UUID, problem: BaseException | None) -> None:
        """The head of a line is done: the next one follows aside, or all fail with it."""
        with self._lock:
            line = self._behind[run_id]
            while line and problem is not None:
                line.popleft().fail(problem)
            while line:
                if line.popleft().send_aside():
                    return
            del self._behind[run_id]
