"""A move is written whole or not at all: not when the row differs in one thing that was decided by, and never beside its run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.canonical import digest
from app.core.lifecycle import Status
from app.store.database import Connection
from app.store.runs import runs, verdicts
from app.store.runs.moves import Beside, move
from tests.support.bench import (
    OTHER_TOKEN,
    TOKEN,
    A,
    chained,
    changed,
    look,
    seen,
    to,
    write,
)


@pytest.mark.parametrize(
    "difference",
    [
        "transition_seq = 4",
        f"lease_token = '{OTHER_TOKEN}'",
        "lease_token = NULL",
        "pending_events = '{paper,late}'",
        "pause_requested = true",
        "cancel_requested = true",
    ],
)
def test_a_run_that_changed_since_it_was_looked_at_is_not_moved(db: Connection, difference: str) -> None:
    run = seen(db)
    db.execute(f"UPDATE runs SET {difference} WHERE id = %s", [A])
    before = look(db)
    assert write(db, move(run, to(), beside=Beside(output="1", data='{"a":1}'))) == []
    assert changed(before, look(db)) == {}


def test_a_move_writes_every_column_and_its_transition(db: Connection) -> None:
    before, run = look(db), seen(db)
    beside = Beside(deadline_in=30.0)
    (told,) = write(
        db,
        move(
            run,
            to(waiting_reason="why", wake_in=10.0, expires_in=20.0, children_left=4),
            beside=beside,
        ),
    )
    found = changed(before, look(db))
    (row,), (logged,) = found.pop("runs"), found.pop("transitions")
    assert found == {}
    assert chained(db, logged)
    at = row["updated_at"]
    expected = {
        "id": A,
        "state": "NEXT",
        "status": "READY",
        "step_seq": 3,
        "queue": "q",
        "attempt": 7,
        "crash_attempts": 8,
        "late_retries": 9,
        "routes": {"due": {"state": "X"}},
        "pending_events": ["one", "two"],
        "pause_requested": True,
        "waiting_reason": "why",
        "wake_at": at + timedelta(seconds=10),
        "expires_at": at + timedelta(seconds=20),
        "deadline_at": at + timedelta(seconds=30),
        "lease_token": None,
        "worker_id": None,
        "ready_at": at,
        "children_left": 4,
        "finished_at": None,
        "waited_seconds": 0,
        "transition_seq": 4,
    }
    assert {name: row[name] for name in expected} == expected
    assert told["at"] == at and told["transition_seq"] == 4
    same = {
        "run_id": A,
        "seq": 4,
        "event": "step finished",
        "from_state": "HERE",
        "from_status": "RUNNING",
        "to_state": "NEXT",
        "to_status": "READY",
        "step_seq": 3,
        "attempt": 7,
        "actor": "worker:1",
        "reason": "because",
        "move_id": beside.move_id,
        "hash": row["transition_hash"],
        "created_at": at,
    }
    assert {name: logged[name] for name in same} == same


def test_a_run_that_is_neither_ready_nor_leased_nor_waiting_for_a_time_says_so(db: Connection) -> None:
    write(db, move(seen(db), to(Status.WAITING_FOR_EVENT)))
    row = db.execute("SELECT * FROM runs WHERE id = %s", [A]).fetchone()
    assert row is not None
    nothing = ("wake_at", "expires_at", "deadline_at", "lease_token", "worker_id", "ready_at", "finished_at")
    assert {name: row[name] for name in nothing} == dict.fromkeys(nothing)


@pytest.mark.parametrize(("reason", "kept"), [("", None), ("because", "because")])
def test_a_move_says_why_or_nothing_and_its_digests_are_salted(db: Connection, reason: str, kept: str | None) -> None:
    write(db, move(seen(db), to(reason=reason), beside=Beside(output="1")))
    row = db.execute("SELECT * FROM transitions WHERE run_id = %s AND seq = 4", [A]).fetchone()
    assert row is not None and row["reason"] == kept
    assert (row["reason_digest"], row["payload_digest"]) == (
        digest(row["salt"] + reason),
        digest(row["salt"] + digest("1")),
    )
    assert row["payload_hash"] == digest("1")


def test_an_ending_says_when(db: Connection) -> None:
    write(db, move(seen(db), to(Status.COMPLETE)))
    row = db.execute("SELECT finished_at, updated_at FROM runs WHERE id = %s", [A]).fetchone()
    assert row is not None and row["finished_at"] == row["updated_at"]


@pytest.mark.parametrize(
    ("status", "counts"),
    [("WAITING_FOR_HUMAN", True), ("WAITING_FOR_EVENT", True), ("WAITING_FOR_TIMER", False), ("RUNNING", False)],
)
def test_time_spent_waiting_for_people_and_events_is_counted(db: Connection, status: str, counts: bool) -> None:
    db.execute("UPDATE runs SET status = %s, waited_seconds = 5", [status])
    write(db, move(seen(db), to()))
    row = db.execute("SELECT waited_seconds AS s FROM runs WHERE id = %s", [A]).fetchone()
    assert row is not None
    assert 3600 <= row["s"] - 5 < 3700 if counts else row["s"] == 5


@pytest.mark.parametrize(
    ("failed", "status", "errors"), [(False, "COMPLETE", ["first"]), (True, "FAILED", ["first", "bad"])]
)
def test_a_step_that_ends_is_written_in_its_own_checkpoint(
    db: Connection, failed: bool, status: str, errors: list[str]
) -> None:
    before = look(db)
    output = '{"data":{"d":1},"outcome":"o"}'
    beside = Beside(
        output=output, data='{"d":1}', latency_ms=5.0, step_failed=failed, error='"bad"' if failed else None
    )
    write(db, move(seen(db), to(completes_step=not failed), beside=beside))
    found = changed(before, look(db))
    (row,), (data,) = found["checkpoints"], found["run_data"]
    expected = {
        "run_id": A,
        "step_seq": 2,
        "call_seq": 0,
        "status": status,
        "output": {"data": {"d": 1}, "outcome": "o"},
        "lease_token": TOKEN,
        "attempt": 2,
        "latency_ms": 5.0,
        "errors": errors,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["completed_at"] == data["updated_at"] and row["output_hash"]
    assert (data["run_id"], data["data"]) == (A, {"d": 1})


def test_an_attempt_that_failed_is_told_in_its_step_which_stays_open(db: Connection) -> None:
    before = look(db)
    write(db, move(seen(db), to(Status.WAITING_FOR_TIMER), beside=Beside(error='"bad"')))
    (row,) = changed(before, look(db))["checkpoints"]
    assert (row["run_id"], row["step_seq"], row["call_seq"], row["status"]) == (A, 2, 0, "INTENT")
    assert (row["errors"], row["attempt"]) == (["first", "bad"], 2)


def test_a_state_is_entered_with_its_cause_and_with_the_signals_it_consumes_and_only_these(db: Connection) -> None:
    db.execute(
        "UPDATE signals SET created_at = app_now() WHERE signal_id = 's0'"
    )  # so that the first lies behind the rest
    db.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
    before = look(db)
    write(db, move(seen(db), to(enters=True, consumes="paper", cause={"event": "e"})))
    found = changed(before, look(db))
    (entered,) = found["checkpoints"]
    assert (entered["run_id"], entered["step_seq"], entered["call_seq"], entered["status"]) == (A, 3, 0, "INTENT")
    assert (entered["step_name"], entered["kind"], entered["name"], entered["input"]["cause"]) == (
        "NEXT",
        "step",
        "w.NEXT",
        {"event": "e"},
    )
    assert [(s["id"], s["name"], s["payload"], s["actor"]) for s in entered["input"]["signals"]] == [
        ("s0", "paper", 0, "somebody"),
        ("s1", "paper", 1, "somebody"),
    ]
    assert sorted((s["run_id"], s["signal_id"], s["consumed_step_seq"]) for s in found["signals"]) == [
        (A, "s0", 3),
        (A, "s1", 3),
    ]


def test_a_state_entered_without_signals_has_none(db: Connection) -> None:
    before = look(db)
    write(db, move(seen(db), to(enters=True)))
    found = changed(before, look(db))
    assert found["checkpoints"][0]["input"] == {"cause": {}} and "signals" not in found


def test_a_step_that_goes_on_in_its_middle_has_its_signals_and_is_not_entered_anew(db: Connection) -> None:
    before = look(db)
    assert write(db, move(seen(db), to(step_seq=2, consumes="paper")))
    found = changed(before, look(db))
    assert [(s["signal_id"], s["consumed_step_seq"]) for s in found["signals"]] == [("s0", 2), ("s1", 2)]
    assert "checkpoints" not in found


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("children_left = 2", 1),
        ("children_left = 1", 0),
        ("children_left = 0", None),
        (
            "children_left = 2, step_seq = 3",
            None,
        ),  # it waits for others by now: those of an expired fan-out count no more
        ("children_left = 2, status = 'READY'", None),
    ],
)
def test_a_child_that_ends_is_counted_by_the_parent_that_waits_for_it_alone(
    db: Connection, sql: str, left: int | None
) -> None:
    db.execute("UPDATE runs SET status = 'WAITING_FOR_CHILDREN', children_left = 5")
    db.execute(f"UPDATE runs SET {sql} WHERE id = %s", [A])
    before = look(db)
    assert runs.child_ended(db, A, 2) == left
    found = changed(before, look(db))
    assert found == {} if left is None else [(row["id"], row["children_left"]) for row in found["runs"]] == [(A, left)]


@pytest.mark.parametrize("since", [None, "2020-01-01"])
def test_a_cancel_is_asked_of_a_run_unless_an_irreversible_intent_stands(db: Connection, since: str | None) -> None:
    db.execute("UPDATE runs SET irreversible_since = %s WHERE id = %s", [since, A])
    before = look(db)
    assert runs.request_cancel(db, A) is (since is None)
    assert [row["id"] for row in changed(before, look(db)).get("runs", ())] == ([A] if since is None else [])


@pytest.mark.parametrize("status", ["INTENT", "UNKNOWN", "COMPLETE", "FAILED"])
@pytest.mark.parametrize("happened", [True, False])
def test_a_persons_verdict_is_written_only_to_the_call_whose_outcome_is_open(
    db: Connection, status: str, happened: bool
) -> None:
    db.execute("UPDATE checkpoints SET status = %s WHERE run_id = %s AND step_seq = 2 AND call_seq = 1", [status, A])
    db.execute("UPDATE checkpoints SET key_epoch = 1, key_valid_until = app_now()")
    before = look(db)
    open_ = status in ("INTENT", "UNKNOWN")
    judged = verdicts.happened(db, A, 2, 1, output='{"o":1}') if happened else verdicts.did_not_happen(db, A, 2, 1)
    assert judged is open_
    found = changed(before, look(db))
    if not open_:
        assert found == {}
        return
    (row,) = found["checkpoints"]
    assert (row["run_id"], row["step_seq"], row["call_seq"]) == (A, 2, 1)
    if happened:
        assert (row["status"], row["output"], row["idempotency_key"]) == ("COMPLETE", {"o": 1}, "old")
        assert row["completed_at"] is not None and row["output_hash"]
    else:  # it may be sent once more, under the next key alone
        assert (row["status"], row["key_epoch"], row["key_valid_until"]) == ("FAILED", 2, None)
        assert row["idempotency_key"] == f"lh-{A}-2-1-2"


@pytest.mark.parametrize("status", ["INTENT", "UNKNOWN", "COMPLETE", "FAILED"])
def test_after_the_verdict_that_it_did_not_happen_a_cancel_is_possible_unless_another_stands(
    db: Connection, status: str
) -> None:
    db.execute("UPDATE runs SET irreversible_since = '2020-01-01'")
    db.execute("UPDATE checkpoints SET status = 'FAILED', action_id = %s", [A])
    db.execute("UPDATE checkpoints SET status = 'UNKNOWN' WHERE step_seq = 2 AND call_seq = 1")
    db.execute("UPDATE checkpoints SET status = 'INTENT', action_id = NULL WHERE step_seq = 2 AND call_seq = 2")
    db.execute("UPDATE checkpoints SET status = %s WHERE run_id = %s AND step_seq = 3", [status, A])
    before = look(db)
    verdicts.did_not_happen(db, A, 2, 1)
    freed = [row["id"] for row in changed(before, look(db)).get("runs", ())]
    assert freed == ([A] if status == "FAILED" else [])
