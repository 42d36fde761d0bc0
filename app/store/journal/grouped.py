"""The grouped journal: what the steps of one process write is committed in groups, by one thread, on one connection.

The law: a caller is answered only after COMMIT was acknowledged; until then it waits, through reconnects, and past its
deadline it gets StoreUnavailable. How groups are made is in `writer`; what a caller waits for, in `items`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from app.core.errors import StoreUnavailable
from app.store.database import Connection, Database
from app.store.journal.items import Item, Lines
from app.store.journal.journal import Rows, persist
from app.store.journal.writer import Writer
from app.store.runs.moves import Statement

T = TypeVar("T")


class GroupedJournal:
    """One journal thread and one connection per process, plus a small pool for what is written aside.

    Opened by the first write, after any fork.
    """

    def __init__(self, database: Database, *, pool_size: int = 4) -> None:
        self._database = Database(database.url, database.role, size=pool_size)
        self._starting = threading.Lock()
        self._writer: Writer | None = None
        self._closed = False

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        """The rows of each statement, after one acknowledged commit.

        Raises StoreUnavailable past `until`, or the psycopg.Error of these statements alone.
        """
        item, writer = Item(run_id, statements, until, asynchronous=asynchronous), self._here()
        writer.put(item)
        rows = item.wait()
        return self._write_aside(writer.lines, item) if rows is None else rows

    def transact(self, work: Callable[[Connection], T], *, until: float) -> T:
        """Run `work` in a transaction of its own on the pool; it may run more than once."""
        return persist(lambda: self._database.transact(work), until=until)

    def close(self) -> None:
        """Write what is queued, then close."""
        with self._starting:
            self._closed, writer = True, self._writer
        if writer is not None and writer.pid == os.getpid():
            writer.close()
        self._database.close()

    def _here(self) -> Writer:
        """The writer of this process. One that crossed a fork is forgotten: its thread and socket are the parent's."""
        writer = self._writer
        if writer is None or writer.pid != os.getpid() or self._closed:
            with self._starting:
                if self._closed:
                    raise StoreUnavailable("the journal is closed")
                writer = self._writer
                if writer is None or writer.pid != os.getpid():
                    writer = self._writer = Writer(self._database)
        return writer

    def _write_aside(self, lines: Lines, item: Item) -> list[Rows]:
        """In the caller's own thread, so that a blocked row holds up nobody but its run."""

        def work(db: Connection) -> list[Rows]:
            return [list(db.execute(text, params).fetchall()) for text, params in item.statements]

        problem: BaseException | None = None
        try:
            return self.transact(work, until=item.until)
        except BaseException as raised:
            problem = raised
            raise
        finally:
            lines.advance(item.run_id, problem)
