"""Many runs are started as one is: each once, whole or not at all, and as cheaply as that can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel

from app import client
from app.client import NewRun, Started
from app.core.errors import BadInput, KeyReused
from app.core.ports import Bell
from app.core.workflow import Step, Workflow
from app.engine.start import announce_many
from app.store.database import as_ours
from app.store.records.verify import verify
from app.store.runs import starts
from tests.support.small_workflows import PAYING, TWO, Bill
from tests.support.waiting import wait_for

Caller = psycopg.Connection[Any]
_TABLES = ("idempotency_keys", "runs", "run_data", "run_names", "checkpoints", "transitions")


class Order(BaseModel):
    """An order of a customer."""

    customer: str
    lines: int = 1


ORDERS = Workflow(
    name="orders",
    version=1,
    data=Order,
    starts_at="A",
    names=lambda order: [("customer", order.customer)],
    states=[Step("A", does=lambda step, data: "done", then={"done": "COMPLETE"})],
)


@pytest.fixture(params=["a transaction of the caller", "autocommit"])
def db(request: pytest.FixtureRequest, database_url: str) -> Iterator[Caller]:
    with psycopg.connect(database_url, autocommit=request.param == "autocommit") as caller:
        yield caller


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "BATCH_RUNS", 3)


def orders(count: int, *, first: int = 1, keyed: bool = True) -> list[NewRun]:
    return [
        NewRun(f"O-{n}", Order(customer=f"C {n}", lines=n), key=f"key {n}" if keyed else None)
        for n in range(first, first + count)
    ]


def counted(db: Caller) -> dict[str, int]:
    found = {}
    for table in _TABLES:
        row = db.execute(f"SELECT count(*) FROM {table}").fetchone()
        found[table] = row[0] if row else 0
    return found


def written(db: Caller, run_id: UUID) -> dict[str, Any]:
    """All that is written of a run, but for what differs between any two."""
    own = f"'{run_id}'::uuid"
    found = {
        table: db.execute(
            f"""SELECT to_jsonb(t) - ARRAY['id', 'run_id', 'subject', 'name', 'transition_hash', 'hash', 'salt', 'reason_digest',
                   'payload_digest', 'move_id', 'created_at', 'updated_at', 'ready_at', 'completed_at'] FROM {table} t
               WHERE {"id" if table == "runs" else "run_id"} = {own} ORDER BY to_jsonb(t)::text""",
        ).fetchall()
        for table in _TABLES[1:]
    }
    found["key"] = db.execute(
        f"SELECT scope FROM idempotency_keys WHERE answer = jsonb_build_object('run_id', {own})"
    ).fetchall()
    return found


def test_many_are_written_as_one_by_one_and_their_chains_hold(db: Caller) -> None:
    alone = client.start(
        db, ORDERS, subject="alone", data={"customer": "C", "lines": 7}, key="alone", actor="shop", priority=2
    )
    many = client.start_many(
        db,
        ORDERS,
        [NewRun(f"O-{n}", {"customer": "C", "lines": 7}, key=f"key {n}") for n in range(40)],
        actor="shop",
        priority=2,
    )
    assert all(started.new and started.at for started in many)
    one_by_one = written(db, alone.run_id)
    for started in many:
        assert written(db, started.run_id) == one_by_one
    assert db.execute("SELECT array_agg(subject ORDER BY id) FROM runs WHERE subject <> 'alone'").fetchone() == (
        [f"O-{n}" for n in range(40)],
    )
    db.commit()
    with as_ours(db) as own:
        for started in many:
            with own.transaction():
                assert verify(own, started.run_id).holds


def test_answers_come_in_the_order_given_and_a_key_that_is_there_gives_its_run(db: Caller, few_at_once: None) -> None:
    old = {
        order.subject: client.start(db, ORDERS, subject=order.subject, data=order.data, key=order.key)
        for order in orders(4, first=3)
    }
    asked = [*reversed(orders(8)), orders(1)[0], orders(1, first=20, keyed=False)[0]]
    answers = client.start_many(db, ORDERS, iter(asked))
    subjects = dict(db.execute("SELECT id, subject FROM runs").fetchall())
    assert [subjects[answer.run_id] for answer in answers] == [order.subject for order in asked]
    assert {s: (a.run_id, a.new) for a in answers if (s := subjects[a.run_id]) in old} == {
        subject: (before.run_id, False) for subject, before in old.items()
    }
    assert [answer.new for answer in answers[-2:]] == [False, True]  # the first order twice, and one without a key
    again = client.start_many(db, ORDERS, asked[:-1])
    assert [(a.run_id, a.new, a.bell) for a in again] == [(a.run_id, False, a.bell) for a in answers[:-1]]
    assert len(subjects) == 9


REFUSED = {
    "no subject": (NewRun(" ", {"customer": "C"}), r"run 6, ' ': subject must be 1 to 200 characters"),
    "a key too long": (NewRun("O-9", {"customer": "C"}, key="k" * 201), r"run 6, 'O-9': the idempotency key must be"),
    "data that do not fit": (NewRun("O-9", {"lines": "x"}), r"run 6, 'O-9': data of orders: customer: Field required"),
    "a subject that has a run": (NewRun("taken", {"customer": "C"}), r"run 6, 'taken': 'taken' already has the run"),
    "a subject given twice": (NewRun("O-2", {"customer": "C"}), r"run 6, 'O-2': 'O-2' already has the run"),
    "a key of another body": (
        NewRun("O-9", {"customer": "C"}, key="old"),
        r"run 6, 'O-9': the idempotency key 'old' was used",
    ),
    "a key given twice": (
        NewRun("O-9", {"customer": "C"}, key="key 2"),
        r"run 6, 'O-9': the idempotency key 'key 2' was used",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("at_once", [3, 500], ids=["in another batch", "in one batch"])
def test_one_that_is_refused_is_named_and_nothing_of_any_is_written(
    db: Caller, monkeypatch: pytest.MonkeyPatch, what: str, at_once: int
) -> None:
    monkeypatch.setattr(starts, "BATCH_RUNS", at_once)
    client.start(db, ORDERS, subject="taken", data={"customer": "C"}, key="old")
    before = counted(db)
    wrong, told = REFUSED[what]
    with pytest.raises((BadInput, KeyReused), match=told):
        client.start_many(db, ORDERS, [*orders(5), wrong, *orders(2, first=6)])
    db.commit()
    assert counted(db) == before
    assert all(started.new for started in client.start_many(db, ORDERS, orders(7)))


def test_what_the_caller_takes_back_never_was(database_url: str) -> None:
    with psycopg.connect(database_url) as db:
        client.start_many(db, ORDERS, orders(5))  # the first statement of its transaction
        db.rollback()
        assert sum(counted(db).values()) == 0
        assert [started.new for started in client.start_many(db, ORDERS, orders(5))] == [True] * 5


def test_many_are_read_as_they_are_needed_and_by_the_callers_own_connection(db: Caller, few_at_once: None) -> None:
    unread: list[int] = []

    def read_from_the_database() -> Iterator[NewRun]:
        for n in range(1, 9):
            row = db.execute("SELECT count(*) FROM runs").fetchone()
            assert isinstance(row, tuple)  # as the caller wants its rows
            unread.append(n - 1 - row[0])
            yield orders(1, first=n)[0]

    assert len(client.start_many(db, ORDERS, read_from_the_database())) == 8
    assert max(unread) < 3


def test_runs_with_large_data_go_fewer_at_once(db: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "BATCH_CHARACTERS", 2_000)
    sizes = [len(batch) for batch in starts.batches(["x" * 900] * 7 + ["x" * 5_000], len)]
    assert sizes == [3, 3, 2]


def test_a_start_is_one_round_trip(db: Caller, tmp_path: Path) -> None:
    """With its key and its names, all or nothing; the first of a transaction comes after its BEGIN."""

    def round_trips(subject: str) -> int:
        with (tmp_path / subject).open("w+") as told:
            db.pgconn.trace(told.fileno())
            try:
                client.start(db, ORDERS, subject=subject, data={"customer": "C"}, key=subject)
            finally:
                db.pgconn.untrace()
            told.seek(0)
            return sum("ReadyForQuery" in line for line in told)

    assert [round_trips("first"), round_trips("second")] == [1 if db.autocommit else 2, 1]


def concurrently(
    database_url: str, first: Iterable[NewRun], second: Iterable[NewRun], *, commits: bool
) -> list[list[Started]]:
    """What two callers are answered, the second of which asks before the first has ended its transaction."""
    pids: list[int] = []

    def ask() -> list[Started]:
        with psycopg.connect(database_url) as db:
            pids.append(db.info.backend_pid)
            return client.start_many(db, ORDERS, second)

    with psycopg.connect(database_url) as db, ThreadPoolExecutor(1) as thread:
        ours = client.start_many(db, ORDERS, first)
        theirs: Future[list[Started]] = thread.submit(ask)
        wait_for(lambda: pids and is_blocked(database_url, pids[0]), "the second caller to wait for the first")
        (db.commit if commits else db.rollback)()
        return [ours, theirs.result(60)]


def is_blocked(database_url: str, pid: int) -> bool:
    with psycopg.connect(database_url, autocommit=True) as db:
        return bool(db.execute("SELECT 1 WHERE cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone())


@pytest.mark.parametrize("commits", [True, False])
def test_of_two_callers_with_the_same_keys_exactly_one_starts_each_run(database_url: str, commits: bool) -> None:
    ours, theirs = concurrently(database_url, orders(20), reversed(orders(30)), commits=commits)
    known = {started.run_id for started in ours}
    assert [started.new for started in theirs] == [True] * 10 + [not commits] * 20
    assert [started.run_id in known for started in theirs] == [False] * 10 + [commits] * 20
    with psycopg.connect(database_url) as db:
        assert counted(db)["runs"] == counted(db)["idempotency_keys"] == 30
        assert set(db.execute("SELECT (answer->>'run_id')::uuid FROM idempotency_keys").fetchall()) == set(
            db.execute("SELECT id FROM runs").fetchall()
        )


def test_a_key_that_a_rival_took_for_another_subject_is_refused_and_its_run_taken_back(database_url: str) -> None:
    rival = [NewRun("theirs", {"customer": "C"}, key="key 2")]
    with pytest.raises(KeyReused, match="run 2, 'O-2': the idempotency key 'key 2' was used before with another body"):
        concurrently(database_url, rival, orders(3), commits=True)
    with psycopg.connect(database_url) as db:
        assert db.execute("SELECT subject FROM runs").fetchall() == [("theirs",)]
    _, ours = concurrently(
        database_url, [NewRun("taken back", {"customer": "C"}, key="key 5")], orders(3, first=4), commits=False
    )
    assert [started.new for started in ours] == [True] * 3


def test_callers_with_the_same_runs_in_any_order_wait_for_each_other_and_never_in_a_circle(database_url: str) -> None:
    pids: list[int] = []

    def ask(mine: Iterable[NewRun]) -> list[Started]:
        with psycopg.connect(database_url) as db:
            pids.append(db.info.backend_pid)
            return client.start_many(db, ORDERS, mine)

    with psycopg.connect(database_url) as db, ThreadPoolExecutor(2) as threads:
        client.start_many(db, ORDERS, orders(1, first=2))  # the one in the middle: both come as far as this
        asking = []
        for n, mine in enumerate((orders(3), reversed(orders(3)))):
            asking.append(threads.submit(ask, mine))
            wait_for(lambda: len(pids) > n and is_blocked(database_url, pids[n]), "a caller to wait")  # noqa: B023
        db.rollback()
        answers = [each.result(60) for each in asking]
    assert [started.new for each in answers for started in each] == [True] * 3 + [False] * 3
    assert [started.run_id for started in answers[1]] == [started.run_id for started in reversed(answers[0])]


class Broker:
    """Takes bells until it is full."""

    def __init__(self, room: int) -> None:
        self.rung: list[list[Bell]] = []
        self._room = room

    def ring(self, bells: Iterable[Bell]) -> int:
        taken = list(bells)[: self._room - sum(map(len, self.rung))]
        self.rung.append(taken)
        return len(taken)

    def lying(self, queue: str) -> int:
        return 0


def test_bells_are_rung_together_and_a_broker_that_is_away_is_asked_no_more(
    db: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="longhaul")
    many = client.start_many(db, TWO, [NewRun(f"T-{n}", {}) for n in range(2_500)])
    willing, full = Broker(9_999), Broker(1_200)
    assert announce_many(willing, many) == 2_500
    assert [len(some) for some in willing.rung] == [1_000, 1_000, 500]
    assert sum(record.message == "transition" for record in caplog.records) == 2_500
    assert announce_many(full, many) == 1_200
    assert len(full.rung) == 2


def test_a_key_of_an_earlier_release_that_names_no_run_is_given_to_whoever_asks_again(db: Caller) -> None:
    client.start_many(db, PAYING, [NewRun(f"P-{n}", Bill(), key=f"key {n}") for n in range(3)])
    db.execute(
        "UPDATE idempotency_keys SET answer = jsonb_build_object('run_id', gen_random_uuid()) WHERE key = 'key 1'"
    )
    db.execute("UPDATE runs SET subject = 'of somebody else' WHERE subject = 'P-1'")
    answers = client.start_many(db, PAYING, [NewRun(f"P-{n}", Bill(), key=f"key {n}") for n in range(3)])
    assert [answer.new for answer in answers] == [False, True, False]


def _unreadable(order: Order) -> list[tuple[str, str]]:
    raise BadInput(f"names: {order.customer!r} is nobody")


FUSSY = Workflow(name=ORDERS.name, version=2, data=Order, starts_at="A", names=_unreadable, states=ORDERS.states)


def test_who_has_a_run_under_this_key_needs_no_names(db: Caller) -> None:
    before = client.start_many(db, ORDERS, orders(1))
    assert [started.run_id for started in client.start_many(db, FUSSY, orders(1))] == [before[0].run_id]
    with pytest.raises(BadInput, match="run 2, 'O-2': names: 'C 2' is nobody"):
        client.start_many(db, FUSSY, orders(2))
