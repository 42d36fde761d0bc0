"""A move is written whole or not at all: not when the row differs in one thing that was decided by, and never beside its run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.canonical import canonical, digest
from app.core.ids import new_id
from app.core.lifecycle import STOPPED, Event, Status
from app.core.run import Transition
from app.store import human_tasks, runs, workers
from app.store.database import Connection
from app.store.moves import Beside, move, was_mine
from tests.conftest import fresh_database
from tests.support.bench import (
    OTHER_TOKEN,
    OTHER_WORKER,
    TOKEN,
    WORKER,
    A,
    B,
    bench,
    chained,
    changed,
    look,
    seen,
    write,
)


@pytest.fixture(scope="module")
def url(admin_url: str, template_database: str) -> Iterator[str]:
    with fresh_database(admin_url, template_database) as found:
        yield found


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    with bench(url) as found:
        yield found


def to(status: Status = Status.READY, **more: Any) -> Transition:
    values = {
        "event": Event.STEP_FINISHED, "actor": "worker:1", "reason": "because", "state": "NEXT", "status": status, "step_seq": 3,
          "queue": "q",
        "attempt": 7, "crash_attempts": 8, "late_retries": 9, "routes": {"due": {"state": "X"}}, "pending_events": ("one", "two"),
        "pause_requested": True,
    }  # fmt: skip
    return Transition(**{**values, **more})


@pytest.mark.parametrize(
    "difference",
    ["transition_seq = 4", f"lease_token = '{OTHER_TOKEN}'", "lease_token = NULL", "pending_events = '{paper,late}'",
      "pause_requested = true",
     "cancel_requested = true"],
)  # fmt: skip
def test_a_run_that_changed_since_it_was_looked_at_is_not_moved(db: Connection, difference: str) -> None:
    run = seen(db)
    db.execute(f"UPDATE runs SET {difference} WHERE id = %s", [A])
    before = look(db)
    assert write(db, move(run, to(), beside=Beside(output="1", data='{"a":1}'))) == []
    assert changed(before, look(db)) == {}


def test_a_move_writes_every_column_and_its_transition(db: Connection) -> None:
    before, run = look(db), seen(db)
    beside = Beside(deadline_in=30.0)
    (told,) = write(db, move(run, to(waiting_reason="why", wake_in=10.0, expires_in=20.0, children_left=4), token=OTHER_TOKEN,
                             worker=OTHER_WORKER, beside=beside))  # fmt: skip
    found = changed(before, look(db))
    (row,), (logged,) = found.pop("runs"), found.pop("transitions")
    assert found == {}
    assert chained(db, logged)
    at = row["updated_at"]
    expected = {
        "id": A, "state": "NEXT", "status": "READY", "step_seq": 3, "queue": "q", "attempt": 7, "crash_attempts": 8, "late_retries": 9,
        "routes": {"due": {"state": "X"}}, "pending_events": ["one", "two"], "pause_requested": True, "waiting_reason": "why",
        "wake_at": at + timedelta(seconds=10), "expires_at": at + timedelta(seconds=20), "deadline_at": at + timedelta(seconds=30),
        "lease_token": OTHER_TOKEN, "worker_id": OTHER_WORKER, "ready_at": at, "children_left": 4, "finished_at": None,
          "waited_seconds": 0,
        "transition_seq": 4,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert told["at"] == at and told["transition_seq"] == 4
    same = {"run_id": A, "seq": 4, "event": "step finished", "from_state": "HERE", "from_status": "RUNNING", "to_state": "NEXT",
            "to_status": "READY", "step_seq": 3, "attempt": 7, "actor": "worker:1", "reason": "because", "move_id": beside.move_id,
            "hash": row["transition_hash"], "created_at": at}  # fmt: skip
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
    beside = Beside(
        output='{"o":1}', data='{"d":1}', latency_ms=5.0, step_failed=failed, error='"bad"' if failed else None
    )
    write(db, move(seen(db), to(completes_step=not failed), beside=beside))
    found = changed(before, look(db))
    (row,), (data,) = found["checkpoints"], found["run_data"]
    expected = {"run_id": A, "step_seq": 2, "call_seq": 0, "status": status, "output": {"o": 1}, "lease_token": TOKEN, "attempt": 2,
                "latency_ms": 5.0, "errors": errors}  # fmt: skip
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
        ("s0", "paper", 0, "somebody"), ("s1", "paper", 1, "somebody")]  # fmt: skip
    assert sorted((s["run_id"], s["signal_id"], s["consumed_step_seq"]) for s in found["signals"]) == [
        (A, "s0", 3),
        (A, "s1", 3),
    ]


def test_a_state_entered_without_signals_has_none(db: Connection) -> None:
    before = look(db)
    write(db, move(seen(db), to(enters=True)))
    found = changed(before, look(db))
    assert found["checkpoints"][0]["input"] == {"cause": {}} and "signals" not in found


def _task(db: Connection, run_id: UUID, status: str = "OPEN") -> UUID:
    task = new_id()
    db.execute(
        """INSERT INTO human_tasks (id, run_id, step_seq, kind, state, role, title, note, form, outcomes, shown_digest, due_at, sla_at,
               created_at, status) VALUES (%s, %s, 2, 'work', 'HERE', 'r', 't', 'n', '{}', '{}', 'd', app_now(), app_now(), app_now(),
                 %s)""",
        [task, run_id, status],
    )
    return task


def _alert(db: Connection, run_id: UUID, rule: str, resolved: str | None = None) -> None:
    db.execute(
        "INSERT INTO alerts (id, rule, subject, run_id, message, opened_at, resolved_at) VALUES (%s, %s, %s, %s, 'm', '2020-01-01', %s)",
        [new_id(), rule, f"{run_id} {resolved}", run_id, resolved],
    )


def _letter(db: Connection, run_id: UUID, closed: str | None = None) -> None:
    db.execute(
        """INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at, closed_at)
           VALUES (%s, %s, 2, 'HERE', 'f', 'r', '2020-01-01', %s)""",
        [new_id(), run_id, closed],
    )


QUIETED = ["dead_letter", "failed_retriable", "task_overdue", "waiting_for_person"]


@pytest.mark.parametrize(
    ("status", "event", "task_status", "quiet"),
    [
        (Status.READY, Event.ANSWERED, "CANCELLED", QUIETED),
        (Status.READY, Event.EXPIRED, "EXPIRED", QUIETED),
        (Status.CANCELLED, Event.CANCELLED, "CANCELLED", sorted([*QUIETED, "slow"])),
    ],
)
def test_what_was_open_about_a_run_is_closed_with_the_move_and_nothing_else(
    db: Connection, status: Status, event: Event, task_status: str, quiet: list[str]
) -> None:
    task = _task(db, A)
    _task(db, A, "COMPLETED")
    _task(db, B)
    for run_id in (A, B):
        for rule in ("waiting_for_person", "task_overdue", "failed_retriable", "dead_letter", "slow"):
            _alert(db, run_id, rule)
            _alert(db, run_id, rule, "2020-01-02")
        _letter(db, run_id)
        _letter(db, run_id, "2020-01-02")
    before = look(db)
    (told,) = write(db, move(seen(db), to(status, event=event, closes_tasks=True)))
    found = changed(before, look(db))
    (closed,), (closing,), (letter,) = found["human_tasks"], found["human_task_events"], found["dead_letters"]
    assert (closed["id"], closed["status"], closed["row_version"]) == (task, task_status, 2)
    assert (closing["task_id"], closing["run_id"], closing["event"], closing["actor"]) == (
        task,
        A,
        task_status.lower(),
        "worker:1",
    )
    assert sorted(alert["rule"] for alert in found["alerts"]) == sorted(a["rule"] for a in told["resolved"]) == quiet
    assert all(alert["run_id"] == A and alert["resolved_at"] == told["at"] for alert in found["alerts"])
    assert (letter["run_id"], letter["closed_at"], letter["closed_by"], letter["verdict"]) == (
        A,
        told["at"],
        "worker:1",
        event.value,
    )


TASK = {"id": str(new_id()), "kind": "triage", "role": "operator", "title": "t", "note": "n", "form": {"f": 1}, "defaults": {"d": 1},
        "evidence": [1], "proposals": [2], "approves": {"a": ["p"]}, "outcomes": ["o"], "not_by": ["x"], "call_seq": 3,
          "shown_digest": "s",
        "due_seconds": 100.0}  # fmt: skip


@pytest.mark.parametrize("status", [Status.WAITING_FOR_HUMAN, Status.DEAD_LETTER, Status.FAILED_RETRIABLE])
def test_what_a_stop_opens_is_opened_in_the_same_commit(db: Connection, status: Status) -> None:
    letter, alert = str(new_id()), str(new_id())
    beside = Beside(
        task=canonical(TASK), dead_letter=canonical({"id": letter, "fingerprint": "f", "reason": "r"}),
        alert=canonical({"id": alert, "rule": "dead_letter", "subject": "s", "message": "m"}), names=canonical([{"name": "n",
          "kind": "k"}]),
    )  # fmt: skip
    before = look(db)
    (told,) = write(db, move(seen(db), to(status), beside=beside))
    found = changed(before, look(db))
    (task,), (opened,) = found["human_tasks"], found["human_task_events"]
    given = {name: value for name, value in TASK.items() if name not in ("id", "due_seconds")}
    assert {name: task[name] for name in given} == given
    assert (str(task["id"]), task["run_id"], task["step_seq"], task["state"], task["created_at"]) == (
        TASK["id"],
        A,
        3,
        "NEXT",
        told["at"],
    )
    assert (task["due_at"] - told["at"], task["sla_at"] - told["at"]) == (timedelta(seconds=100), timedelta(seconds=75))
    assert (opened["event"], opened["run_id"], str(opened["task_id"])) == ("opened", A, TASK["id"])
    letters = [(letter, A, 3, "NEXT", "f")] if status in STOPPED else []  # else nobody has to be called
    assert [
        (str(row["id"]), row["run_id"], row["step_seq"], row["state"], row["fingerprint"])
        for row in found.get("dead_letters", ())
    ] == letters
    alerts = [(alert, A, "dead_letter")] if status in STOPPED else []
    assert [(str(row["id"]), row["run_id"], row["rule"]) for row in found.get("alerts", ())] == alerts
    assert told["opened"] == ([{"rule": "dead_letter", "subject": "s", "message": "m"}] if status in STOPPED else None)
    assert [(row["name"], row["run_id"]) for row in found["run_names"]] == [("n", A)]


def test_a_person_is_asked_nothing_by_a_run_that_was_cancelled_or_goes_on(db: Connection) -> None:
    for status in (Status.CANCELLED, Status.READY):
        before = look(db)
        write(db, move(seen(db), to(status), beside=Beside(task=canonical(TASK))))
        assert "human_tasks" not in changed(before, look(db))


def test_an_alert_that_is_open_is_not_opened_again_and_a_name_not_kept_twice(db: Connection) -> None:
    def beside() -> Beside:
        alert = canonical({"id": str(new_id()), "rule": "r", "subject": "s", "message": "m"})
        return Beside(alert=alert, names=json.dumps([{"name": "n", "kind": "k"}]))

    write(db, move(seen(db), to(), beside=beside()))
    before = look(db)
    (told,) = write(db, move(seen(db), to(), beside=beside()))
    assert told["opened"] is None and not {"alerts", "run_names"} & set(changed(before, look(db)))


def test_a_move_is_known_again_by_its_run_its_number_and_its_id(db: Connection) -> None:
    run, beside = seen(db), Beside()
    assert write(db, was_mine(run, beside)) == []
    write(db, move(run, to(), beside=beside))
    assert [row["transition_seq"] for row in write(db, was_mine(run, beside))] == [4]
    assert write(db, was_mine(run, Beside())) == []
    assert write(db, was_mine(seen(db, B), beside)) == []
    assert write(db, was_mine(seen(db), beside)) == []


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
    assert human_tasks.judge_call(db, A, 2, 1, happened=happened, output='{"o":1}') is open_
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
    human_tasks.judge_call(db, A, 2, 1, happened=False, output=None)
    freed = [row["id"] for row in changed(before, look(db)).get("runs", ())]
    assert freed == ([A] if status == "FAILED" else [])


def _worker(db: Connection, worker: UUID, **more: Any) -> Any:
    workers.register(db, worker, lock_key=1, liveness="lock", host="h", pid=1, queues=["q"], slots=1)
    for name, value in more.items():
        db.execute(f"UPDATE workers SET {name} = %s WHERE id = %s", [value, worker])
    return db.execute("SELECT * FROM workers WHERE id = %s", [worker]).fetchone()


def test_a_worker_that_pinged_since_it_was_judged_is_not_given_up(db: Connection) -> None:
    judged = _worker(db, OTHER_WORKER)
    assert workers.unheard_since(db, OTHER_WORKER, judged["pinged_at"])
    assert workers.ping(db, OTHER_WORKER, host_clock=0.0)
    assert not workers.unheard_since(db, OTHER_WORKER, judged["pinged_at"])
    assert not workers.give_up(db, OTHER_WORKER, judged["pinged_at"])
    now = db.execute("SELECT * FROM workers").fetchone()
    assert now is not None and workers.give_up(db, OTHER_WORKER, now["pinged_at"])
    assert not workers.give_up(db, OTHER_WORKER, now["pinged_at"]), "it is gone already"
    assert not workers.ping(db, OTHER_WORKER, host_clock=0.0), "it is told that it was given up"


@pytest.mark.parametrize("status", ["RUNNING", "SUSPECTED_DEAD", "READY"])
def test_a_worker_is_given_up_only_when_every_run_was_taken_from_it(db: Connection, status: str) -> None:
    judged, other = _worker(db, WORKER), _worker(db, OTHER_WORKER)
    db.execute("UPDATE runs SET status = %s", [status])
    assert workers.give_up(db, WORKER, judged["pinged_at"]) is (status == "READY")
    gone = db.execute("SELECT id FROM workers WHERE gone_at IS NOT NULL").fetchall()
    assert [row["id"] for row in gone] == ([WORKER] if status == "READY" else [])
    assert workers.give_up(db, OTHER_WORKER, other["pinged_at"]), "it holds nothing"


@pytest.mark.parametrize(("status", "found"), [("RUNNING", True), ("SUSPECTED_DEAD", True), ("READY", False)])
def test_leases_of_workers_that_are_gone_are_found(db: Connection, status: str, found: bool) -> None:
    _worker(db, WORKER)
    db.execute("UPDATE runs SET status = %s", [status])
    assert workers.gone_with_leases(db) == []
    gone = _worker(db, OTHER_WORKER, gone_at="2020-01-01")
    db.execute("UPDATE runs SET worker_id = %s WHERE id = %s", [OTHER_WORKER, A])
    assert workers.gone_with_leases(db) == (
        [{"id": OTHER_WORKER, "pinged_at": gone["pinged_at"], "lock_stands": False}] if found else []
    )
