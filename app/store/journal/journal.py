"""The journal: the one port through which steps write. This is the direct one, a transaction per write.

The law: `write` returns only after COMMIT was acknowledged. A connection lost with the commit's fate unknown makes it
run the same statements again, unchanged; each is idempotent by its token, and the caller tells "written before" from
"refused" by reading. Nobody acts on an unanswered write: past `until` (monotonic seconds) it raises StoreUnavailable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg

from app.core.errors import StoreUnavailable
from app.store.database import PASSING, Connection, Database, is_gone
from app.store.runs.moves import Statement

Rows = list[Mapping[str, Any]]
T = TypeVar("T")


class Journal(Protocol):
    """Where steps write."""

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        """The rows of each statement, after one acknowledged commit. `asynchronous` is for leases alone."""
        ...

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        """Run `work` in a transaction of its own; it may run more than once and must be idempotent by token."""
        ...

    def close(self) -> None:
        """Write what is queued, then close."""
        ...


class DirectJournal:
    """One transaction per write, on a pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        return self.transact(
            lambda db: [list(db.execute(text, params).fetchall()) for text, params in statements], until=until
        )

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        return persist(lambda: self._database.transact(work), until=until)

    def close(self) -> None:
        self._database.close()


def persist(attempt: Callable[[], T], *, until: float) -> T:
    """Try until it is acknowledged, through restarts of the database, blocked rows, and whatever else passes."""
    pause = 0.05
    while True:
        try:
            return attempt()
        except psycopg.Error as problem:
            if not (is_gone(problem) or problem.sqlstate in PASSING):
                raise
            if time.monotonic() > until:
                raise StoreUnavailable(
                    f"the database did not answer before the step's deadline: {problem}"
                ) from problem
        threading.Event().wait(pause)
        pause = min(1.0, pause * 2)
