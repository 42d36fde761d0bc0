"""Every write of a step is refused when one thing is not as it should be, and touches nothing but its own row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.statuses import CheckpointStatus
from app.store.database import Connection, connect
from app.store.runs import steps
from app.store.runs.moves import Statement
from app.store.runs.steps import Place
from app.store.workers import workers
from tests.conftest import fresh_database
from tests.support.bench import (
    ACTION,
    OTHER_TOKEN,
    OTHER_WORKER,
    TOKEN,
    WORKER,
    A,
    B,
    chained,
    changed,
    insert,
    look,
    write,
)

PLACE = Place(run_id=A, step_seq=2, call_seq=1, token=TOKEN, attempt=5)


STATEMENTS: dict[str, Callable[[], Statement]] = {
    "result": lambda: steps.result(PLACE, status=CheckpointStatus.COMPLETE, output="1"),
    "stands no longer": lambda: steps.stands_no_longer(PLACE),
}
LEASE_GONE = {
    "the lease is another's": f"UPDATE runs SET lease_token = '{OTHER_TOKEN}' WHERE id = '{A}'",
    "nobody holds a lease": f"UPDATE runs SET lease_token = NULL WHERE id = '{A}'",
}
OF_A_CALL = f"UPDATE checkpoints SET status = 'COMPLETE' WHERE run_id = '{A}' AND step_seq = 2 AND call_seq = 1"
REFUSED = [
    *((name, said, sql) for name in STATEMENTS for said, sql in LEASE_GONE.items()),
    ("result", "the call is complete", OF_A_CALL),
    ("result", "it certainly failed", OF_A_CALL.replace("COMPLETE", "FAILED")),
]


@pytest.mark.parametrize(
    ("name", "sql"), [pytest.param(name, sql, id=f"{name}: {said}") for name, said, sql in REFUSED]
)
def test_a_write_is_refused_when_one_thing_is_not_as_it_should_be(db: Connection, name: str, sql: str) -> None:
    db.execute("UPDATE runs SET irreversible_since = '2020-01-01'")
    db.execute(sql)
    before = look(db)
    assert write(db, STATEMENTS[name]()) == []
    assert changed(before, look(db)) == {}


def _row(db: Connection, before: Any, table: str = "checkpoints") -> dict[str, Any]:
    """The one row that was written, and nothing else was."""
    found = changed(before, look(db))
    assert list(found) == [table] and len(found[table]) == 1, found
    return found[table][0]


@pytest.mark.parametrize("status", ["INTENT", "UNKNOWN"])
def test_a_result_is_written_whole(db: Connection, status: str) -> None:
    db.execute("UPDATE checkpoints SET status = %s", [status])
    before = look(db)
    told = steps.result(
        PLACE,
        status=CheckpointStatus.COMPLETE,
        output='"out"',
        error='"late"',
        latency_ms=5.0,
        tokens_in=7,
        tokens_out=8,
        cost=9,
    )
    (answer,) = write(db, told)
    row = _row(db, before)
    expected = {
        "run_id": A,
        "step_seq": 2,
        "call_seq": 1,
        "status": "COMPLETE",
        "output": "out",
        "lease_token": TOKEN,
        "latency_ms": 5.0,
        "tokens_in": 7,
        "tokens_out": 8,
        "cost": 9,
        "errors": ["first", "late"],
        "attempt": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["completed_at"] == answer["completed_at"] is not None and row["output_hash"]


@pytest.mark.parametrize(("more", "tokens"), [(None, (7, 8, 9)), (1, (8, 9, 10))])
def test_what_a_model_used_is_added_up_over_its_tries(
    db: Connection, more: int | None, tokens: tuple[int, int, int]
) -> None:
    db.execute("UPDATE checkpoints SET tokens_in = 7, tokens_out = 8, cost = 9")
    write(db, steps.result(PLACE, status=CheckpointStatus.UNKNOWN, tokens_in=more, tokens_out=more, cost=more))
    row = write(db, steps.call(PLACE))[0]
    assert (row["tokens_in"], row["tokens_out"], row["cost"]) == tokens


@pytest.mark.parametrize("status", ["INTENT", "UNKNOWN", "COMPLETE", "FAILED"])
def test_a_run_may_be_cancelled_again_only_when_no_irreversible_call_of_it_stands(db: Connection, status: str) -> None:
    db.execute("UPDATE runs SET irreversible_since = '2020-01-01'")
    db.execute("UPDATE checkpoints SET status = 'FAILED', action_id = %s", [ACTION])
    db.execute(
        "UPDATE checkpoints SET status = 'INTENT', action_id = NULL WHERE call_seq = 2"
    )  # an ordinary one counts for nothing
    db.execute("UPDATE checkpoints SET status = 'COMPLETE' WHERE run_id = %s", [B])
    db.execute("UPDATE checkpoints SET status = %s WHERE run_id = %s AND step_seq = 3", [status, A])  # of another step
    before = look(db)
    rows = write(db, steps.stands_no_longer(PLACE))
    if status == "FAILED":
        assert rows and _row(db, before, "runs")["irreversible_since"] is None
    else:
        assert rows == [] and changed(before, look(db)) == {}


def _lease(step_seq: int = 2) -> list[Statement]:
    return list(steps.lease(A, step_seq, token=TOKEN, worker=OTHER_WORKER, timeout_seconds=60.0))


def test_a_lease_is_written_whole(db: Connection) -> None:
    db.execute(
        "UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL, ready_at = app_now(), crash_attempts = 4"
    )
    before = look(db)
    (told,) = write(db, _lease()[0])
    found = changed(before, look(db))
    (run,), (transition,) = found.pop("runs"), found.pop("transitions")
    assert found == {}
    assert (run["id"], run["status"], run["lease_token"], run["worker_id"], run["ready_at"]) == (
        A,
        "RUNNING",
        TOKEN,
        OTHER_WORKER,
        None,
    )
    assert (run["crash_attempts"], run["transition_seq"], run["attempt"], run["step_seq"]) == (5, 4, 2, 2)
    assert run["deadline_at"] - run["updated_at"] == timedelta(seconds=60) and run["updated_at"] == told["at"]
    assert chained(db, transition)
    assert run["transition_hash"] == transition["hash"] != before["transitions"][0]["hash"]
    assert (transition["run_id"], transition["seq"], transition["from_status"], transition["to_status"]) == (
        A,
        4,
        "READY",
        "RUNNING",
    )
    assert (transition["actor"], transition["move_id"], transition["attempt"]) == (f"worker:{OTHER_WORKER}", TOKEN, 2)


@pytest.mark.parametrize(
    ("sql", "step_seq"),
    [
        (f"UPDATE runs SET status = 'RUNNING' WHERE id = '{A}'", 2),
        (f"UPDATE runs SET step_seq = 3 WHERE id = '{A}'", 2),
    ],
    ids=["not ready", "another step"],
)
def test_a_step_that_is_not_ready_is_leased_to_nobody(db: Connection, sql: str, step_seq: int) -> None:
    db.execute("UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL")
    db.execute(sql)
    before = look(db)
    assert write(db, _lease(step_seq)[0]) == []
    assert changed(before, look(db)) == {}


@pytest.mark.parametrize(
    ("who", "gone_at", "leases"), [(OTHER_WORKER, "2020-01-01", 0), (OTHER_WORKER, None, 1), (WORKER, "2020-01-01", 1)]
)
def test_whoever_was_given_up_is_leased_nothing_and_nobody_else_is_meant(
    db: Connection, who: UUID, gone_at: str | None, leases: int
) -> None:
    db.execute("UPDATE runs SET status = 'READY', lease_token = NULL, worker_id = NULL")
    workers.register(db, who, lock_key=1, liveness="lock", host="h", pid=1, queues=[], slots=1)
    db.execute("UPDATE workers SET gone_at = %s", [gone_at])
    assert len(write(db, _lease()[0])) == leases


def test_the_lease_of_a_row_that_somebody_has_locked_does_not_wait(admin_url: str, template_database: str) -> None:
    with (
        fresh_database(admin_url, template_database) as url,
        connect(url, "owner") as other,
        connect(url, "owner") as mine,
    ):
        insert(other, A)
        other.execute("UPDATE runs SET status = 'READY'")
        mine.execute("SET statement_timeout = '2s'")
        with other.transaction():
            other.execute("SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE", [A])
            assert write(mine, _lease()[0]) == []
        assert write(mine, _lease()[0])


def test_a_lease_reads_the_journal_of_its_own_step_in_order_with_the_data_beside_the_step(db: Connection) -> None:
    db.execute("""INSERT INTO corrected_data VALUES (%s, '{"of": "A"}', app_now())""", [A])
    db.execute("UPDATE runs SET data_step = NULL WHERE id = %s", [A])
    for call in (1, 0):  # so that they lie in another order than they were called in
        db.execute("UPDATE checkpoints SET attempt = 1 WHERE run_id = %s AND call_seq = %s", [A, call])
    db.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
    rows = write(db, _lease()[1])
    assert [(row["call_seq"], row["data"]) for row in rows] == [(0, {"of": "A"}), (1, None), (2, None)]


def test_a_lease_is_found_again_by_its_run_and_its_token(db: Connection) -> None:
    assert [row["id"] for row in write(db, steps.leased(A, 2, TOKEN)[0])] == [A]
    assert write(db, steps.leased(A, 2, OTHER_TOKEN)[0]) == []


def test_a_call_is_found_by_its_whole_place(db: Connection) -> None:
    (row,) = write(db, steps.call(PLACE))
    assert (row["run_id"], row["step_seq"], row["call_seq"]) == (A, 2, 1)
