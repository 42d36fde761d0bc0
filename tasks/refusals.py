"""What this process refused, on its way into the database, where people see it.

The law: a consumer's thread never waits for the database, and a worker never ends for a message. Refusals are counted at
once and written by a thread of their own, which begins with the first of them, after any fork, on a connection that it
closes again. While the database is away they are kept; at a planned end they are written. Where a connection broke in
its commit they may count twice.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.engine.process import refusals
from app.engine.process.refusals import Collector
from app.settings import settings
from app.store.database import Database, DatabaseError, connect
from app.store.records import refused as store
from app.store.records.refused import Refused, What
from app.telemetry import logs

GATHER_SECONDS = 1.0  # what comes meanwhile is written along: a flood is one transaction a second
AGAIN_SECONDS = 5.0  # while the database is away
END_SECONDS = 5.0

Write = Callable[[Sequence[Refused]], None]


class Writer:
    """Counts the refusals of one process, and writes them."""

    def __init__(self, write: Write, *, gather: float = GATHER_SECONDS, again: float = AGAIN_SECONDS) -> None:
        self._write, self._gather, self._again = write, gather, again
        self._collector = Collector()
        self._news, self._ends = threading.Event(), threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def count(self, one: Refused) -> None:
        """Keep a refusal; it is written soon."""
        self._collector.count(one)
        self._news.set()
        if self._thread is None:
            self._start()

    def end(self) -> None:
        """Write what is left, once; a database that hangs does not hold up the end for long."""
        with self._starting:
            thread = self._thread
        if thread is not None:
            self._ends.set()
            self._news.set()
            thread.join(END_SECONDS)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        complained = False
        while not self._ends.is_set():
            self._news.wait()
            self._ends.wait(self._gather)
            self._news.clear()
            problem = self._write_all()
            if problem is not None:
                if not complained:
                    logs.event("refusals_not_written", reason=problem)
                self._news.set()
                self._ends.wait(self._again)
            complained = problem is not None
        self._write_all()

    def _write_all(self) -> str | None:
        """Write what there is; what went wrong."""
        found = self._collector.take()
        try:
            if found:
                self._write(found)
        except Exception as problem:  # whatever it was, nobody else writes here; what was counted is kept
            self._collector.keep(found)
            return f"{type(problem).__name__}: {problem}"
        return None


def _write(found: Sequence[Refused]) -> None:
    """On a connection of its own: a prefork parent may leave none to its children, and a pool may be waited for."""
    url = settings().database_url
    if not url:
        raise ValueError("no database is named; set LONGHAUL_DATABASE_URL")
    with connect(url, "worker") as db, db.transaction():
        store.note(db, found)


_writers: dict[int, Writer] = {}


def _writer() -> Writer:
    """This process's own; that of the process it was forked from has its lock and its thread there."""
    pid = os.getpid()
    return _writers.get(pid) or _writers.setdefault(pid, Writer(_write))


def count(what: What, *, queue: Any, name: Any, reason: object, said: Mapping[str, Any]) -> None:
    """A message was refused. Never waits: see `app.engine.process.refusals.refused`."""
    _writer().count(refusals.refused(what, queue=queue, name=name, reason=reason, said=said))


def write(database: Database, what: What, *, queue: Any, name: Any, reason: object, said: Mapping[str, Any]) -> None:
    """A message was refused, by somebody who may wait: its row is written when this returns, or, where the database does
    not take it, as soon as it does."""
    one = refusals.refused(what, queue=queue, name=name, reason=reason, said=said)
    try:
        database.transact(lambda db: store.note(db, [one]), tries=1)
    except DatabaseError:
        _writer().count(one)


def end() -> None:
    """This process ends in order."""
    if (writer := _writers.get(os.getpid())) is not None:
        writer.end()
