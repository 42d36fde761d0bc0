"""What is opened and closed with a move: tasks, alerts, dead letters and names, of its own run alone."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from app.core.canonical import canonical
from app.core.ids import new_id
from app.core.lifecycle import STOPPED, EventKind, Status
from app.store.database import Connection
from app.store.runs.moves import Beside, move
from tests.support.bench import (
    A,
    B,
    changed,
    look,
    seen,
    to,
    write,
)


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
        (Status.READY, EventKind.ANSWERED, "CANCELLED", QUIETED),
        (Status.READY, EventKind.EXPIRED, "EXPIRED", QUIETED),
        (Status.CANCELLED, EventKind.CANCELLED, "CANCELLED", sorted([*QUIETED, "slow"])),
    ],
)
def test_what_was_open_about_a_run_is_closed_with_the_move_and_nothing_else(
    db: Connection, status: Status, event: EventKind, task_status: str, quiet: list[str]
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


TASK = {
    "id": str(new_id()),
    "kind": "triage",
    "role": "operator",
    "title": "t",
    "note": "n",
    "form": {"f": 1},
    "defaults": {"d": 1},
    "evidence": [1],
    "proposals": [2],
    "approves": {"a": ["p"]},
    "outcomes": ["o"],
    "not_by": ["x"],
    "call_seq": 3,
    "shown_digest": "s",
    "due_seconds": 100.0,
}


@pytest.mark.parametrize("status", [Status.WAITING_FOR_HUMAN, Status.DEAD_LETTER, Status.FAILED_RETRIABLE])
def test_what_a_stop_opens_is_opened_in_the_same_commit(db: Connection, status: Status) -> None:
    letter, alert = str(new_id()), str(new_id())
    beside = Beside(
        task=canonical(TASK),
        dead_letter=canonical({"id": letter, "fingerprint": "f", "reason": "r"}),
        alert=canonical({"id": alert, "rule": "dead_letter", "subject": "s", "message": "m"}),
        names=canonical([{"name": "n", "kind": "k"}]),
    )
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
