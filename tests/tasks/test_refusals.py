"""Whoever refuses a message waits for nobody, and no refusal is forgotten by the thread that writes them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import pytest

from app.engine.process.refusals import refused
from app.settings import settings
from app.store.database import Database
from app.store.records.refused import MOST_KINDS, Refused
from tasks import refusals
from tasks.refusals import Writer
from tests.support.waiting import wait_for


def bell(name: str = "some.STATE") -> Refused:
    return refused("bell", queue="steps.some.v1", name=name, reason="it names no run", said={})


class Books:
    """A database that hangs until it is let go, and refuses as often as it is told."""

    def __init__(self, *, fails: int = 0) -> None:
        self.written: list[list[Refused]] = []
        self.tried, self._fails = 0, fails
        self.asked, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, found: Sequence[Refused]) -> None:
        self.tried += 1
        self.asked.set()
        assert self.goes_on.wait(60)
        if self.tried <= self._fails:
            raise OSError("the database is away")
        self.written.append(list(found))

    @property
    def count(self) -> int:
        return sum(one.count for found in self.written for one in found)


def writer(books: Books) -> Writer:
    return Writer(books, gather=0.0, again=0.0)


def test_whoever_refuses_waits_for_no_database_and_a_flood_meanwhile_is_one_write() -> None:
    books = Books()
    own = writer(books)
    own.count(bell())
    assert books.asked.wait(60)
    for n in range(5000):  # while the database hangs
        own.count(bell(f"task.{'x' * n}"))
    assert books.written == []
    books.goes_on.set()
    wait_for(lambda: books.count == 5001, "all of them to be written")
    assert len(books.written) == 2
    assert len(books.written[1]) <= MOST_KINDS + 1
    own.end()


def test_while_the_database_is_away_they_are_kept_and_then_counted_once() -> None:
    books = Books(fails=3)
    books.goes_on.set()
    own = writer(books)
    for _ in range(10):
        own.count(bell())
    wait_for(lambda: books.count == 10, "all of them to be written, when the database is back")
    own.end()
    assert books.tried >= 4 and books.count == 10


def test_at_a_planned_end_what_was_counted_is_written() -> None:
    books = Books()
    books.goes_on.set()
    own = Writer(books, gather=3600.0)
    own.count(bell())
    own.end()
    assert books.count == 1


def test_an_end_without_refusals_waits_for_nothing() -> None:
    writer(Books()).end()
    refusals.end()


def test_a_process_that_was_forked_counts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's lock and thread are not there."""
    books: list[Books] = []

    def made(_: Callable[[Sequence[Refused]], None]) -> Writer:
        books.append(Books())
        books[-1].goes_on.set()
        return writer(books[-1])

    monkeypatch.setattr(refusals, "Writer", made)
    monkeypatch.setattr(refusals, "_writers", {})
    for pid in (1, 2):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        refusals.count("bell", queue=None, name=None, reason="it is no JSON", said={})
        refusals.end()
    assert [one.count for one in books] == [1, 1]


def test_without_a_database_nothing_is_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty address would mean the machine's own database to its client."""
    monkeypatch.setattr(settings(), "database_url", "")
    with pytest.raises(ValueError, match="set LONGHAUL_DATABASE_URL"):
        refusals._write([bell()])


def test_a_refused_start_is_in_the_database_when_its_task_goes_on(database_url: str) -> None:
    worker = Database(database_url, "worker")
    refusals.write(worker, "start", queue="intake", name="clam", reason="there is no workflow 'clam'", said={})
    with worker.transaction() as db:
        assert db.execute("SELECT name, count FROM refused_messages").fetchall() == [{"name": "clam", "count": 1}]
    worker.close()


def test_a_start_that_the_database_does_not_take_is_kept(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    books = Books()
    books.goes_on.set()
    own = writer(books)
    monkeypatch.setattr(refusals, "_writers", {os.getpid(): own})
    away = Database("postgresql://nobody@127.0.0.1:1/none", "worker")
    monkeypatch.setattr(away, "transact", _away)
    refusals.write(away, "start", queue="intake", name="clam", reason="x", said={})
    wait_for(lambda: books.count == 1, "the start to be written later")
    own.end()


def _away(*_: object, **__: object) -> None:
    import psycopg

    raise psycopg.OperationalError("connection refused")
