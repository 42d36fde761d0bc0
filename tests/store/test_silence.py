"""A database that answers nothing any more: every session learns of it within its time, and comes back soon after."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import psycopg_pool
import psycopg_pool.base
import pytest
import sqlalchemy as sa

from app.core.ids import new_id
from app.stack.servers.postgres import EmbeddedPostgres
from app.store import composed, database, network
from app.store.database import Database, connect, is_gone
from app.store.journal import pipeline
from app.store.journal.pipeline import Pipeline, encode
from tests.support.relay import Relay, Way
from tests.support.waiting import PATIENCE_SECONDS, wait_for

ASK = "SELECT pg_backend_pid() AS pid"
Ask = Callable[[], int]
SILENCES: list[tuple[Way, ...]] = [("to server", "to client"), ("to server",), ("to client",)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs and margins of the same kind, shorter."""
    monkeypatch.setitem(database._TIMEOUTS, "worker", (2_000, 300, 10_000))
    monkeypatch.setattr(network, "MARGIN_SECONDS", 0.3)
    monkeypatch.setattr(database, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(pipeline, "SILENCE_SECONDS", 0.6)


@contextmanager
def _own(url: str) -> Iterator[Ask]:
    with connect(url, "worker") as session:
        yield lambda: int(session.execute(ASK).fetchone()["pid"])  # type: ignore[index]


@contextmanager
def _pooled(url: str) -> Iterator[Ask]:
    """In the middle of a transaction, where no check of the pool helps."""
    with closing(Database(url, "worker")) as pool, pool.transaction() as session:
        yield lambda: int(session.execute(ASK).fetchone()["pid"])  # type: ignore[index]


@contextmanager
def _composed(url: str) -> Iterator[Ask]:
    statement = sa.select(sa.func.pg_backend_pid().label("pid"))
    with closing(Database(url, "worker")) as pool, pool.transaction() as session:
        yield lambda: int(composed.rows(session, statement)[0]["pid"])


@contextmanager
def _journal(url: str) -> Iterator[Ask]:
    with closing(Pipeline(url, "worker")) as writer:
        yield lambda: int(writer.run(encode([(ASK, {})]))[0][0]["pid"])


KINDS = pytest.mark.parametrize("kind", [_own, _pooled, _composed, _journal], ids=lambda kind: kind.__name__[1:])


def _problem_of(ask: Ask) -> BaseException:
    """What an unanswered question ends with. The test fails if it waits for ever."""
    pool = ThreadPoolExecutor(1)
    try:
        problem = pool.submit(ask).exception(PATIENCE_SECONDS / 2)
    finally:
        pool.shutdown(wait=False)
    assert problem is not None, "it was answered"
    return problem


@KINDS
@pytest.mark.parametrize("silence", SILENCES, ids=" and ".join)
def test_a_network_that_passes_nothing_on_ends_a_round_trip_within_its_time(
    database_url: str, kind: Any, silence: tuple[Way, ...]
) -> None:
    with Relay(database_url) as relay:
        try:
            with kind(relay.url) as ask:
                assert ask()
                relay.fall_silent(*silence)
                assert is_gone(_problem_of(ask))
                relay.heal()
        except psycopg.OperationalError:
            pass  # leaving the block, the session is known to be gone


@KINDS
def test_a_server_process_that_stands_still_ends_a_round_trip_within_its_time(
    database_url: str, kind: Any, request: pytest.FixtureRequest
) -> None:
    if "LONGHAUL_TEST_DATABASE_URL" in os.environ:
        pytest.skip("the named database server's processes cannot be stopped")
    assert isinstance(request.getfixturevalue("postgres_server"), EmbeddedPostgres)
    try:
        with kind(database_url) as ask:
            stopped = ask()
            os.kill(stopped, signal.SIGSTOP)
            try:
                assert is_gone(_problem_of(ask))
            finally:
                os.kill(stopped, signal.SIGCONT)
    except psycopg.OperationalError:
        pass  # leaving the block, the session is known to be gone


def test_an_answer_that_takes_its_time_is_waited_for_and_the_next_one_has_its_own(database_url: str) -> None:
    with connect(database_url, "worker", statement_seconds=0.5) as session:
        for _ in range(3):  # together longer than one round trip may take
            session.execute("SELECT pg_sleep(0.35)")
        assert session.is_sound


def test_both_ends_of_every_session_notice_a_peer_that_lost_its_power(database_url: str) -> None:
    wanted = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000"}
    servers = "SELECT name FROM pg_settings WHERE source = 'client' AND starts_with(name, 'tcp_')"
    with ExitStack() as ends:
        pool = ends.enter_context(closing(Database(database_url, "worker")))
        writer = ends.enter_context(closing(Pipeline(database_url, "worker")))
        made = [ends.enter_context(connect(database_url, "worker")), ends.enter_context(pool.transaction())]
        for session in (*made, writer._connection):
            ours = session.info.get_parameters()
            assert {name: ours.get(name) for name in wanted} == wanted
        assert [session.execute(servers).rowcount for session in made] == [4, 4], "the server's side was told nothing"
        assert len(writer.run(encode([(servers, {})]))[0]) == 4


def test_a_pool_comes_back_as_soon_as_somebody_asks_however_long_the_server_was_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As after minutes without a server, when the pool's own attempts are minutes apart.
    monkeypatch.setattr(psycopg_pool.base.AttemptWithBackoff, "INITIAL_DELAY", 3600.0)
    with closing(Database(f"{database_url}&port=1", "worker")) as pool:
        pool.pool.timeout = 0.2
        with pytest.raises(psycopg.OperationalError), pool.transaction():
            pass
        pool.pool.conninfo = database_url

        def answers() -> bool:
            try:
                return bool(pool.transact(lambda db: db.execute(ASK).fetchone()))
            except psycopg.OperationalError:
                return False

        wait_for(answers, "the pool to reconnect", seconds=PATIENCE_SECONDS / 2)


def test_who_waits_for_a_connection_gets_it_when_the_server_is_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "GIVE_UP_SECONDS", 0.1)
    with closing(Database(f"{database_url}&port=1", "worker")) as pool, ThreadPoolExecutor(1) as caller:
        pool.pool.timeout = PATIENCE_SECONDS
        asked = caller.submit(pool.transact, lambda db: db.execute(ASK).fetchone())
        wait_for(lambda: pool.pool.get_stats().get("connections_errors", 0) > 2, "its attempts to fail")
        pool.pool.conninfo = database_url
        assert asked.result(PATIENCE_SECONDS / 2)


def test_a_session_that_was_made_read_only_is_not_handed_out_again(database_url: str) -> None:
    write = lambda db: db.execute("DELETE FROM workers WHERE id = %s", [new_id()])  # noqa: E731
    with closing(Database(database_url, "owner", size=1)) as pool:
        with pool.transaction() as session:
            session.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            pool.transact(write)
        pool.transact(write)


def test_a_connection_that_answered_a_moment_ago_is_handed_out_without_asking_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[object]()
    monkeypatch.setattr(psycopg_pool.ConnectionPool, "check_connection", asked.append)
    with closing(Database(database_url, "worker", size=1)) as pool:
        for seconds, times in ((60.0, 0), (0.0, 3)):
            monkeypatch.setattr(database, "FRESH_SECONDS", seconds)
            pool.transact(lambda db: db.execute(ASK).fetchone())
            asked.clear()
            for _ in range(3):
                pool.transact(lambda db: db.execute(ASK).fetchone())
            assert len(asked) == times


def test_a_session_that_ended_is_not_handed_out_though_it_answered_a_moment_ago(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "FRESH_SECONDS", 60.0)
    with closing(Database(database_url, "worker", size=1)) as pool, connect(database_url, "owner") as owner:

        def backend() -> int:
            with pool.transaction() as session:
                row = session.execute(ASK).fetchone()
            assert row is not None
            return int(row["pid"])

        first = backend()
        assert backend() == first
        owner.execute("SELECT pg_terminate_backend(%s)", [first])
        gone = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        wait_for(lambda: owner.execute(gone, [first]).fetchone() is None, "the session to end")
        assert backend() != first
