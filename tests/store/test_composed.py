"""Statements composed with `select()` run where raw ones do: in one snapshot, on one connection of the one pool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import CacheStats, ExecutionContext

from app.core.ids import new_id
from app.core.lifecycle import Status
from app.store import composed
from app.store.database import Connection, Database, is_gone
from app.store.reads import pages, run_list
from app.store.reads.run_list import RunFilter
from app.store.tables.accounts import users

PID = sa.select(sa.func.pg_backend_pid().label("pid"))
NAMES = sa.select(users.c.username)


def names(db: Connection) -> list[str]:
    return [row["username"] for row in composed.rows(db, NAMES)]


def enrol(db: Connection, name: str) -> None:
    db.execute(
        "INSERT INTO users (username, display_name, roles, created_at) VALUES (%s, %s, '{}', app_now())", [name, name]
    )


@pytest.fixture
def owner(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url, "owner")) as found:
        yield found


@pytest.fixture
def web(database_url: str) -> Iterator[Database]:
    """A pool of one connection: who wants a second one waits in vain."""
    with closing(Database(database_url, "web", size=1)) as found:
        yield found


def test_they_run_on_the_connection_they_are_handed_and_on_no_other(web: Database) -> None:
    with pages.snapshot(web) as db:
        raw = db.execute("SELECT pg_backend_pid() AS pid").fetchone()
        assert [dict(row) for row in composed.rows(db, PID)] == [raw]
        assert run_list.page(db, RunFilter(role="adjuster", late=True), limit=5) == []
    assert web.pool.get_stats()["connections_num"] == 1


def test_they_see_the_moment_of_their_snapshot_and_may_not_write(web: Database, owner: Database) -> None:
    with pages.snapshot(web) as db:
        before = names(db)
        with owner.transaction() as other:
            enrol(other, "late")
        assert names(db) == before, "what was committed meanwhile is not of this page"
        assert db.execute("SELECT count(*) AS n FROM users").fetchone() == {"n": len(before)}
    written = sa.update(users).values(authority=1).returning(users.c.username).cte("written")
    with pytest.raises(pages.DATABASE_PROBLEM, match="read-only transaction"), pages.snapshot(web) as db:
        composed.rows(db, sa.select(written))


def test_they_end_no_transaction_that_others_began(owner: Database) -> None:
    with owner.transaction() as db:
        enrol(db, "gone")
        assert names(db) == ["gone"]
        db.rollback()
        assert names(db) == []
        enrol(db, "kept")
        assert names(db) == ["kept"]
    with owner.transaction() as db:
        assert names(db) == ["kept"]


def test_a_statement_of_one_shape_is_compiled_once_whatever_its_values(web: Database) -> None:
    seen: list[CacheStats] = []

    def note(*told: Any) -> None:
        context: ExecutionContext = told[4]
        seen.append(context.cache_hit)  # type: ignore[attr-defined]

    sa.event.listen(composed.engine(), "after_cursor_execute", note)
    try:
        with pages.snapshot(web) as db:
            for n, status in enumerate(([Status.READY], [Status.FAILED, Status.COMPLETE], [Status.RUNNING])):
                run_list.page(db, RunFilter(status=status, subject=f"S-{n}", before=new_id()), limit=n + 1)
    finally:
        sa.event.remove(composed.engine(), "after_cursor_execute", note)
    assert seen[1:] == [CacheStats.CACHE_HIT] * 2


def test_what_fails_fails_with_the_errors_of_psycopg(web: Database, owner: Database) -> None:
    slow = sa.select(sa.func.pg_sleep(60).label("slept"))
    with pages.snapshot(web) as db:
        db.execute("SET LOCAL statement_timeout = 50")
        with pytest.raises(psycopg.errors.QueryCanceled) as refused:
            composed.rows(db, slow)
        db.rollback()
        ended = composed.rows(db, PID)[0]["pid"]
        with owner.transaction() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [ended])
        with pytest.raises(psycopg.OperationalError) as gone:
            composed.rows(db, slow)
    assert (is_gone(refused.value), is_gone(gone.value)) == (False, True)
    with pages.snapshot(web) as db:
        assert names(db) == [], "the pool gives a new connection"


def test_asking_often_leaves_nothing_on_the_connection(web: Database) -> None:
    with pages.snapshot(web) as db:
        for _ in range(3):
            composed.rows(db, PID)
        assert not db._notice_handlers
        assert db.row_factory is psycopg.rows.dict_row


def test_a_worker_does_without_it() -> None:
    code = "import sys, app.installed, app.sweeps, tasks.wiring, tasks.steps; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
