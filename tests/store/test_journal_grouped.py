"""The grouped journal: one commit for what queued together, one caller's error for that caller, order within a run.

A small table stands in for the product's: each write inserts its token once, so a second durable write would show.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.errors import StoreUnavailable
from app.core.ids import new_id
from app.core.statuses import CheckpointKind
from app.store.database import Database, connect
from app.store.journal.grouped import GroupedJournal
from app.store.journal.items import Item
from app.store.journal.journal import Rows
from app.store.journal.pipeline import Encoded, Pipeline
from app.store.runs import intents, steps
from app.store.runs.moves import Statement
from tests.support.waiting import wait_for

INSERT = """INSERT INTO ledger (run_id, token, backend, lasting) SELECT %(run_id)s, %(token)s, pg_backend_pid(),
    current_setting('synchronous_commit') ON CONFLICT (token) DO NOTHING RETURNING n, token"""
LOCK = "SELECT 1 AS locked FROM rows_of_runs WHERE run_id = %(run_id)s FOR NO KEY UPDATE"


@pytest.fixture
def ledger(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("CREATE TABLE ledger (n bigserial, run_id uuid, token uuid PRIMARY KEY, backend int, lasting text)")
        db.execute("CREATE TABLE rows_of_runs (run_id uuid PRIMARY KEY)")
        db.execute("GRANT ALL ON ledger, ledger_n_seq, rows_of_runs TO longhaul_worker")
    return database_url


@pytest.fixture
def journal(ledger: str) -> Iterator[GroupedJournal]:
    journal = GroupedJournal(Database(ledger, "worker"))
    yield journal
    journal.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(200) as pool:
        yield pool


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


def insert(run_id: UUID, token: UUID | None = None) -> Statement:
    return INSERT, {"run_id": run_id, "token": token or uuid.uuid4()}


def fetch(url: str, query: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as db:
        return db.execute(query, params).fetchall()


@contextmanager
def holding_up(journal: GroupedJournal) -> Iterator[None]:
    """Keep the journal thread before a commit, so that what comes meanwhile is one group."""
    entered, go_on, run = threading.Event(), threading.Event(), Pipeline.run

    def held(self: Pipeline, batch: Sequence[Encoded]) -> list[Rows]:
        entered.set()
        assert go_on.wait(60)
        return run(self, batch)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as caller:
        patch.setattr(Pipeline, "run", held)
        first = caller.submit(journal.write, new_id(), [("SELECT 1 AS one", {})], until=soon())
        assert entered.wait(60)
        try:
            yield
        finally:
            patch.undo()
            go_on.set()
        first.result(60)


def queued(journal: GroupedJournal) -> int:
    assert journal._writer is not None
    return journal._writer._queue.qsize()


def in_one_group(
    journal: GroupedJournal, threads: ThreadPoolExecutor, writes: Sequence[tuple[UUID, Sequence[Statement]]]
) -> list[Future[list[Rows]]]:
    """Submit writes, each by a thread of its own but one after the other, while the journal thread is busy."""
    futures = []
    with holding_up(journal):
        for n, (run_id, statements) in enumerate(writes):
            futures.append(threads.submit(journal.write, run_id, statements, until=soon()))
            wait_for(lambda n=n: queued(journal) > n, "the write to queue", every=0.001)  # type: ignore[misc]
    return futures


def test_what_queues_during_a_commit_is_one_transaction_of_at_most_64_items(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = [new_id() for _ in range(100)]
    futures = in_one_group(journal, threads, [(run, [insert(run)]) for run in runs])
    assert all(future.result(30)[0] for future in futures)
    sizes = fetch(ledger, "SELECT count(*) FROM ledger GROUP BY xmin::text ORDER BY min(n)")
    assert [size for (size,) in sizes] == [64, 36]


def test_a_group_stops_at_a_megabyte(journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor) -> None:
    runs = [new_id() for _ in range(6)]
    large: Statement = ("SELECT length(%(text)s::text) AS length, txid_current()::text AS tx", {"text": "x" * 400_000})
    futures = in_one_group(journal, threads, [(run, [large]) for run in runs])
    transactions = [future.result(30)[0][0]["tx"] for future in futures]
    assert len(set(transactions)) == 2
    assert all(future.result()[0][0]["length"] == 400_000 for future in futures)


def test_one_bad_item_fails_its_own_caller_and_nobody_else(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = sorted(new_id() for _ in range(9))
    bad: Statement = ("SELECT 1 / %(zero)s::int AS nothing", {"zero": 0})
    writes = [(run, [insert(run), bad] if n == 4 else [insert(run)]) for n, run in enumerate(runs)]
    futures = in_one_group(journal, threads, writes)
    with pytest.raises(psycopg.errors.DivisionByZero) as failed:
        futures[4].result(30)
    assert failed.value.sqlstate == "22012"
    assert all(future.result(30)[0] for n, future in enumerate(futures) if n != 4)
    assert {run for (run,) in fetch(ledger, "SELECT run_id FROM ledger")} == set(runs) - {runs[4]}


def test_what_is_queued_behind_a_failed_item_of_the_same_run_fails_with_it(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    run, other = new_id(), new_id()
    bad: Statement = ("SELECT %(text)s::jsonb AS nothing", {"text": "{"})
    writes = [(run, [insert(run)]), (run, [bad]), (run, [insert(run)]), (other, [insert(other)])]
    before, failed, behind, beside = in_one_group(journal, threads, writes)
    assert before.result(30)[0]
    assert beside.result(30)[0]
    for future in (failed, behind):
        with pytest.raises(psycopg.DataError) as problem:
            future.result(30)
        assert problem.value.sqlstate == "22P02"
    assert len(fetch(ledger, "SELECT 1 FROM ledger")) == 2
    assert journal.write(run, [insert(run)], until=soon())[0], "what comes after the failure is a new matter"


def test_what_waits_in_the_queue_behind_a_failed_item_fails_with_it_too(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    run = UUID(int=0)
    bad: Statement = ("SELECT %(text)s::jsonb AS nothing", {"text": "{"})
    others = [UUID(int=n) for n in range(1, 64)]  # the failed item and these fill the group
    writes = [(run, [bad]), *((other, [insert(other)]) for other in others), (run, [insert(run)])]
    futures = in_one_group(journal, threads, writes)
    assert isinstance(futures[0].exception(30), psycopg.DataError)
    assert isinstance(futures[-1].exception(30), psycopg.DataError)
    assert all(future.result(30)[0] for future in futures[1:-1])


def test_a_value_no_column_can_hold_is_refused_before_anything_is_sent(journal: GroupedJournal, ledger: str) -> None:
    run = new_id()
    for text in ("nul \x00", "half a surrogate \ud800"):
        with pytest.raises((psycopg.DataError, UnicodeEncodeError)):
            journal.write(run, [insert(run), ("SELECT %(text)s::text AS t", {"text": text})], until=soon())
    assert fetch(ledger, "SELECT 1 FROM ledger") == []


def test_every_byte_arrives_as_it_is(journal: GroupedJournal) -> None:
    every = bytes(range(256))
    ((row,),) = journal.write(new_id(), [("SELECT %(given)s::bytea AS told", {"given": every})], until=soon())
    assert row["told"] == every


def test_runs_are_locked_by_ascending_id_and_each_keeps_its_order(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = [new_id() for _ in range(5)]
    tokens = {run: [uuid.uuid4() for _ in range(4)] for run in runs}
    writes = [(run, [insert(run, tokens[run][n])]) for n in range(4) for run in reversed(runs)]
    for future in in_one_group(journal, threads, writes):
        future.result(30)
    written = fetch(ledger, "SELECT run_id, token FROM ledger ORDER BY n")
    assert written == [(run, token) for run in sorted(runs) for token in tokens[run]]


def test_a_group_is_asynchronous_only_if_it_holds_nothing_but_leases(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = [new_id() for _ in range(3)]
    journal.write(runs[0], [insert(runs[0])], until=soon(), asynchronous=True)
    journal.write(runs[1], [insert(runs[1])], until=soon())
    with holding_up(journal):
        futures = [
            threads.submit(journal.write, runs[2], [insert(runs[2])], until=soon(), asynchronous=asynchronous)
            for asynchronous in (True, False)
        ]
        wait_for(lambda: queued(journal) == 2, "both to queue")
    for future in futures:
        future.result(30)
    assert [lasting for (lasting,) in fetch(ledger, "SELECT lasting FROM ledger ORDER BY n")] == [
        "off",
        "on",
        "on",
        "on",
    ]


def test_a_blocked_item_holds_up_nobody_but_its_run(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = sorted(new_id() for _ in range(6))
    blocked_run = runs[2]
    with psycopg.connect(ledger) as db:
        db.execute("INSERT INTO rows_of_runs SELECT * FROM unnest(%s::uuid[])", [runs])
        db.commit()
        db.execute("SELECT 1 FROM rows_of_runs WHERE run_id = %s FOR UPDATE", [blocked_run])
        tokens = [uuid.uuid4() for _ in range(3)]
        writes = [(run, [(LOCK, {"run_id": run}), insert(run)]) for run in runs if run != blocked_run]
        writes += [(blocked_run, [insert(blocked_run, tokens[0])])]  # before the blocked one: rolled back with it
        writes += [(blocked_run, [(LOCK, {"run_id": blocked_run}), insert(blocked_run, tokens[1])])]
        writes += [(blocked_run, [insert(blocked_run, tokens[2])])]
        futures = in_one_group(journal, threads, writes)
        assert all(future.result(30)[1] for future in futures[:5])
        late = threads.submit(journal.write, new_id(), [insert(new_id())], until=soon())
        assert late.result(30)[0]
        assert not futures[6].done()
        assert not futures[7].done(), "what is behind a blocked item of the same run waits for it"
        db.commit()
    for future in futures[5:]:
        assert future.result(30)[-1]
    mine = fetch(ledger, "SELECT token FROM ledger WHERE run_id = %s ORDER BY n", [blocked_run])
    assert [token for (token,) in mine] == tokens


def test_a_broken_connection_loses_and_doubles_nothing(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    run = new_id()
    journal.write(run, [insert(run)], until=soon())
    with holding_up(journal):
        futures = [threads.submit(journal.write, run, [insert(run)], until=soon()) for _ in range(20)]
        wait_for(lambda: queued(journal) == 20, "all to queue")
        fetch(
            ledger, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'longhaul-journal'"
        )
    assert all(future.result(30)[0] for future in futures)
    assert len(fetch(ledger, "SELECT 1 FROM ledger")) == 21


def test_a_write_waits_for_the_database_until_its_deadline_and_is_not_made_after_it(
    journal: GroupedJournal, ledger: str, admin_url: str, threads: ThreadPoolExecutor
) -> None:
    patient, hasty = new_id(), new_id()
    journal.write(patient, [insert(patient)], until=soon())
    with away(ledger, admin_url):
        waiting = threads.submit(journal.write, patient, [insert(patient)], until=soon(60))
        with pytest.raises(StoreUnavailable):
            journal.write(hasty, [insert(hasty)], until=soon(1.0))
        assert not waiting.done()
    assert waiting.result(60)[0]
    assert fetch(ledger, "SELECT 1 FROM ledger WHERE run_id = %s", [hasty]) == []


@contextmanager
def away(url: str, admin_url: str) -> Iterator[None]:
    """A database that takes no connections and drops those there are."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(admin_url, autocommit=True) as db:
        try:
            db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            db.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_an_item_that_breaks_the_session_again_and_again_is_not_at_the_expense_of_others(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    runs = sorted(new_id() for _ in range(3))
    with psycopg.connect(ledger, autocommit=True) as db:  # a superuser's function, so that the worker can hit itself
        db.execute("""CREATE FUNCTION poison() RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER AS
            $$ SELECT pg_terminate_backend(pg_backend_pid())::text $$""")
    poison: Statement = ("SELECT poison() AS dead, pg_sleep(1)::text", {})
    writes = [(runs[0], [poison]), *((run, [insert(run)]) for run in runs[1:])]
    with holding_up(journal):
        hurt = threads.submit(journal.write, runs[0], [poison], until=soon(4))
        wait_for(lambda: queued(journal) == 1, "the poison to queue")
        futures = [threads.submit(journal.write, run, statements, until=soon()) for run, statements in writes[1:]]
        wait_for(lambda: queued(journal) == 3, "all to queue")
    assert all(future.result(30)[0] for future in futures)
    with pytest.raises(StoreUnavailable):
        hurt.result(60)


def test_a_migration_under_a_prepared_statement_is_no_error(journal: GroupedJournal, ledger: str) -> None:
    run = new_id()
    everything: Statement = ("SELECT * FROM rows_of_runs WHERE run_id = %(run_id)s", {"run_id": run})
    journal.write(run, [everything], until=soon())
    with psycopg.connect(ledger) as db:
        db.execute("ALTER TABLE rows_of_runs ADD COLUMN added int DEFAULT 7")
        db.execute("INSERT INTO rows_of_runs VALUES (%s)", [run])
    assert journal.write(run, [everything], until=soon()) == [[{"run_id": run, "added": 7}]]


def test_an_irreversible_intent_without_approval_fails_with_the_trigger_s_own_code(
    journal: GroupedJournal, ledger: str
) -> None:
    run_id, token = new_id(), uuid.uuid4()
    with connect(ledger, "owner") as db:
        db.execute(
            """INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq,
            queue, lease_token, transition_seq, transition_hash, created_at, updated_at)
            VALUES (%s, 'w', 1, '', 's', 'S', 'RUNNING', 1, 'q', %s, 1, '', now(), now())""",
            [run_id, token],
        )
    place = steps.Place(run_id=run_id, step_seq=1, call_seq=1, token=token, attempt=1)
    intent = intents.intent(
        place, step_name="S", kind=CheckpointKind.TOOL, name="pay", input_text="{}", key="k", action=uuid.uuid4()
    )
    with pytest.raises(psycopg.Error) as refused:
        journal.write(run_id, [intent], until=soon())
    assert refused.value.sqlstate == "LH001"
    assert "no live approval" in (refused.value.diag.message_primary or "")


def test_a_transaction_that_lost_a_deadlock_runs_again(journal: GroupedJournal, ledger: str) -> None:
    run, tries = new_id(), []

    def work(db: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            db.execute("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '40P01'; END $$")
        db.execute(*insert(run))
        return len(tries)

    assert journal.transact(work, until=soon()) == 2
    assert len(fetch(ledger, "SELECT 1 FROM ledger")) == 1


def test_closing_writes_what_is_queued_and_refuses_what_comes_after(
    journal: GroupedJournal, ledger: str, threads: ThreadPoolExecutor
) -> None:
    run = new_id()
    with holding_up(journal):
        futures = [threads.submit(journal.write, run, [insert(run)], until=soon()) for _ in range(10)]
        wait_for(lambda: queued(journal) == 10, "all to queue")
        closing = threads.submit(journal.close)
        wait_for(lambda: queued(journal) == 11, "the close to queue")
    closing.result(30)
    assert all(future.result(30)[0] for future in futures)
    with pytest.raises(StoreUnavailable, match="closed"):
        journal.write(run, [insert(run)], until=soon())


def test_closing_without_a_database_tells_every_caller(
    journal: GroupedJournal, ledger: str, admin_url: str, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.journal.writer.CLOSE_SECONDS", 0.5)
    run = new_id()
    journal.write(run, [insert(run)], until=soon())
    with away(ledger, admin_url):
        futures = [threads.submit(journal.write, run, [insert(run)], until=soon(600)) for _ in range(3)]
        journal.close()
        for future in futures:
            with pytest.raises(StoreUnavailable):
                future.result(30)


def _write_in_child(journal: GroupedJournal, run: UUID) -> None:
    assert journal.write(run, [insert(run)], until=soon())[0]
    journal.close()


def test_a_forked_child_opens_a_connection_of_its_own(journal: GroupedJournal, ledger: str) -> None:
    run = new_id()
    journal.write(run, [insert(run)], until=soon())
    child = multiprocessing.get_context("fork").Process(target=_write_in_child, args=(journal, run))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    journal.write(run, [insert(run)], until=soon())
    backends = [backend for (backend,) in fetch(ledger, "SELECT backend FROM ledger ORDER BY n")]
    assert backends[0] == backends[2] != backends[1]


def test_an_item_nobody_waits_for_is_never_sent(journal: GroupedJournal, ledger: str) -> None:
    run = new_id()
    journal.write(run, [insert(run)], until=soon())
    assert journal._writer is not None
    with holding_up(journal):
        item = Item(run, [insert(run)], time.monotonic(), asynchronous=False)
        journal._writer.put(item)
        with pytest.raises(StoreUnavailable):
            item.wait()
    journal.write(run, [insert(run)], until=soon())
    assert len(fetch(ledger, "SELECT 1 FROM ledger")) == 2


def test_a_fault_of_our_own_reaches_the_callers_and_the_journal_goes_on(
    journal: GroupedJournal, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_id()
    journal.write(run, [insert(run)], until=soon())

    def broken(*_: object) -> None:
        raise ArithmeticError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr("app.store.journal.pipeline.Pipeline.run", broken)
        with pytest.raises(ArithmeticError):
            journal.write(run, [insert(run)], until=soon())
    assert journal.write(run, [insert(run)], until=soon())[0]


def test_the_session_has_the_role_and_the_patience_of_the_journal(journal: GroupedJournal) -> None:
    names = ("role", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    rows = journal.write(
        new_id(), [("SELECT current_setting(%(name)s) AS value", {"name": name}) for name in names], until=soon()
    )
    assert [row[0]["value"] for row in rows] == ["longhaul_worker", "300ms", "5s", "10s"]
