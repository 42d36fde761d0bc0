"""Every intent is refused when one thing is not as it should be, and touches nothing but its own row and what it reserves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store.database import Connection
from app.store.runs import intents
from app.store.runs.budgets import Reservation
from app.store.runs.moves import Statement
from app.store.runs.steps import Place
from tests.support.bench import ACTION, OTHER_TOKEN, TOKEN, A, B, changed, look, write

PLACE = Place(run_id=A, step_seq=2, call_seq=1, token=TOKEN, attempt=5)
NEW = Place(run_id=A, step_seq=2, call_seq=3, token=TOKEN, attempt=5)
TOKENS = Reservation(root=B, tokens=15)


def _intent(place: Place, action: UUID | None = None, reserves: Reservation | None = None) -> Statement:
    return intents.intent(
        place,
        step_name="HERE",
        kind=CheckpointKind.MODEL,
        name="ask",
        input_text='{"a":1}',
        key="k",
        key_epoch=2,
        key_seconds=60.0,
        action=action,
        model="m",
        prompt_version="p1",
        reserves=reserves,
    )


def _redirect(reserves: Reservation | None = None) -> Statement:
    return intents.redirect(PLACE, input_text='{"b":2}', model="m2", note='"asked another"', reserves=reserves)


STATEMENTS: dict[str, Callable[[], Statement]] = {
    "intent": lambda: _intent(NEW),
    "irreversible intent": lambda: _intent(NEW, ACTION),
    "reserving intent": lambda: _intent(NEW, reserves=TOKENS),
    "reopen": lambda: intents.reopen(PLACE, action=None),
    "irreversible reopen": lambda: intents.reopen(PLACE, action=ACTION),
    "reserving reopen": lambda: intents.reopen(PLACE, action=None, reserves=TOKENS),
    "redirect": _redirect,
    "reserving redirect": lambda: _redirect(TOKENS),
    "date of an intent": lambda: intents.date_intent(PLACE),
}
RESERVING = [name for name in STATEMENTS if name.startswith("reserving")]
AGAIN = [name for name in STATEMENTS if name.endswith(("reopen", "redirect"))]
LEASE_GONE = {
    "the lease is another's": f"UPDATE runs SET lease_token = '{OTHER_TOKEN}' WHERE id = '{A}'",
    "nobody holds a lease": f"UPDATE runs SET lease_token = NULL WHERE id = '{A}'",
}
OF_A_CALL = f"UPDATE checkpoints SET status = 'COMPLETE' WHERE run_id = '{A}' AND step_seq = 2 AND call_seq = 1"
REOPENED = f"UPDATE checkpoints SET lease_token = '{TOKEN}' WHERE run_id = '{A}' AND step_seq = 2 AND call_seq = 1"
FULL = f"UPDATE runs SET token_budget = 10, tokens_in = 5, tokens_out = 6, tokens_reserved = 7 WHERE id = '{B}'"
REFUSED = [
    *((name, said, sql) for name in STATEMENTS for said, sql in LEASE_GONE.items()),
    *(
        (name, "a cancel came first", f"UPDATE runs SET cancel_requested = true WHERE id = '{A}'")
        for name in ("irreversible intent", "irreversible reopen")
    ),
    *((name, "the call is complete", OF_A_CALL) for name in AGAIN),
    *(
        (name, "its outcome is unknown", OF_A_CALL.replace("COMPLETE", "UNKNOWN"))
        for name in ("redirect", "reserving redirect")
    ),
    *((name, "the budget has no room", FULL) for name in RESERVING),
    *((name, "it was reserved already", REOPENED) for name in ("reserving reopen", "reserving redirect")),
]


@pytest.mark.parametrize(
    ("name", "sql"), [pytest.param(name, sql, id=f"{name}: {said}") for name, said, sql in REFUSED]
)
def test_an_intent_is_refused_when_one_thing_is_not_as_it_should_be(db: Connection, name: str, sql: str) -> None:
    db.execute("UPDATE runs SET irreversible_since = '2020-01-01'")
    db.execute("UPDATE checkpoints SET intent_at = app_now() + interval '1 day'")
    db.execute(sql)
    before = look(db)
    assert write(db, STATEMENTS[name]()) == []
    after = look(db)
    if name.startswith("irreversible reopen") and "COMPLETE" in sql:  # the row says that one stands; it does
        after["runs"] = before["runs"]
    assert changed(before, after) == {}


@pytest.mark.parametrize("reserves", [None, TOKENS])
def test_a_second_intent_of_a_call_is_no_intent(db: Connection, reserves: Reservation | None) -> None:
    before = look(db)
    assert write(db, _intent(PLACE, reserves=reserves)) == []
    assert changed(before, look(db)) == {}


def _row(db: Connection, before: Any, table: str = "checkpoints") -> dict[str, Any]:
    """The one row that was written, and nothing else was."""
    found = changed(before, look(db))
    assert list(found) == [table] and len(found[table]) == 1, found
    return found[table][0]


def test_an_intent_is_written_whole(db: Connection) -> None:
    before = look(db)
    (told,) = write(db, _intent(NEW))
    row = _row(db, before)
    expected = {
        "run_id": A,
        "step_seq": 2,
        "call_seq": 3,
        "step_name": "HERE",
        "kind": "model",
        "name": "ask",
        "status": "INTENT",
        "input": {"a": 1},
        "idempotency_key": "k",
        "key_epoch": 2,
        "action_id": None,
        "attempt": 5,
        "lease_token": TOKEN,
        "model": "m",
        "prompt_version": "p1",
        "output": None,
        "completed_at": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["created_at"] == row["intent_at"] == told["created_at"] == told["intent_at"]
    assert (
        row["key_valid_until"] - row["created_at"]
        == timedelta(seconds=60)
        == told["key_valid_until"] - told["created_at"]
    )


@pytest.mark.parametrize("since", [None, "2020-01-01 00:00:00+00"])
def test_an_irreversible_intent_says_so_on_the_row_of_its_run_from_the_first_on(
    db: Connection, since: str | None
) -> None:
    db.execute("UPDATE runs SET irreversible_since = %s", [since])
    before = look(db)
    assert write(db, _intent(NEW, ACTION))
    found = changed(before, look(db))
    assert found["checkpoints"][0]["action_id"] == ACTION and len(found["checkpoints"]) == 1
    mine = db.execute("SELECT id, irreversible_since::text AS at FROM runs ORDER BY id").fetchall()
    assert [row["at"] for row in mine if row["id"] == B] == [since]
    assert [row["at"] for row in mine if row["id"] == A] != [None]
    assert since is None or list(found) == ["checkpoints"]


@pytest.mark.parametrize("status", ["FAILED", "UNKNOWN", "INTENT"])
def test_a_call_that_may_be_made_again_is_an_intent_of_this_attempt(db: Connection, status: str) -> None:
    db.execute("UPDATE checkpoints SET status = %s", [status])
    before = look(db)
    assert write(db, STATEMENTS["reopen"]())
    row = _row(db, before)
    assert (row["run_id"], row["step_seq"], row["call_seq"]) == (A, 2, 1)
    assert (row["status"], row["attempt"], row["lease_token"], row["errors"]) == ("INTENT", 5, TOKEN, ["first"])
    assert row["intent_at"] > row["created_at"] + timedelta(minutes=59)


def test_an_irreversible_call_made_again_stands_again_and_names_its_action(db: Connection) -> None:
    db.execute("UPDATE checkpoints SET status = 'FAILED'")
    before = look(db)
    assert write(db, STATEMENTS["irreversible reopen"]())
    found = changed(before, look(db))
    assert {table: len(rows) for table, rows in found.items()} == {"runs": 1, "checkpoints": 1}
    assert found["runs"][0]["id"] == A and found["runs"][0]["irreversible_since"] is not None
    row = found["checkpoints"][0]
    assert (row["run_id"], row["step_seq"], row["call_seq"]) == (A, 2, 1)
    assert (row["status"], row["action_id"], row["attempt"], row["lease_token"]) == ("INTENT", ACTION, 5, TOKEN)
    assert row["intent_at"] > row["created_at"] + timedelta(minutes=59) and row["errors"] == ["first"]


def test_an_intent_is_written_anew_only_from_where_it_was_told(db: Connection) -> None:
    db.execute("UPDATE checkpoints SET status = 'FAILED'")
    assert write(db, intents.reopen(PLACE, action=None, come_from=(CheckpointStatus.INTENT,))) == []


@pytest.mark.parametrize("status", ["INTENT", "FAILED"])
def test_a_question_put_to_another_model_keeps_what_was_said_before(db: Connection, status: str) -> None:
    db.execute("UPDATE checkpoints SET status = %s", [status])
    before = look(db)
    assert write(db, _redirect())
    row = _row(db, before)
    assert (row["status"], row["input"], row["model"], row["errors"]) == (
        "INTENT",
        {"b": 2},
        "m2",
        ["first", "asked another"],
    )
    assert (row["attempt"], row["lease_token"]) == (5, TOKEN) and row["input_hash"]
    assert row["intent_at"] > row["created_at"] + timedelta(minutes=59)


@pytest.mark.parametrize("ahead", ["1 hour", "0", "-1 second"])
def test_an_intent_of_the_future_was_begun_now_and_one_of_the_past_when_it_was(db: Connection, ahead: str) -> None:
    db.execute("UPDATE checkpoints SET intent_at = app_now() + %s::interval", [ahead])
    before = look(db)
    told = write(db, intents.date_intent(PLACE))
    if ahead != "1 hour":
        assert told == [] and changed(before, look(db)) == {}
        return
    row = _row(db, before)
    assert (row["run_id"], row["step_seq"], row["call_seq"]) == (A, 2, 1)
    now = db.execute("SELECT app_now() AS now").fetchone()
    assert now and before["checkpoints"][0]["created_at"] < row["intent_at"] == told[0]["intent_at"] <= now["now"]


def _reserved(db: Connection, before: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of the call and that of the root run; nothing else was written."""
    found = changed(before, look(db))
    assert {table: len(rows) for table, rows in found.items()} == {"runs": 1, "checkpoints": 1}
    (root,), (call,) = found["runs"], found["checkpoints"]
    assert root == {**next(row for row in before["runs"] if row["id"] == B), "tokens_reserved": root["tokens_reserved"]}
    return call, root


def test_an_intent_reserves_its_tokens_on_the_root_run_in_the_same_statement(db: Connection) -> None:
    db.execute("UPDATE runs SET tokens_reserved = 100")
    for run_id, step_seq in ((B, 2), (A, 3)):  # others of the same number
        write(db, _intent(Place(run_id=run_id, step_seq=step_seq, call_seq=3, token=TOKEN, attempt=5)))
    before = look(db)
    (told,) = write(db, _intent(NEW, reserves=TOKENS))
    call, root = _reserved(db, before)
    plain = next(row for row in before["checkpoints"] if row["run_id"] == B and row["call_seq"] == 3)
    assert root["tokens_reserved"] == 115
    assert call == {**plain, **told, "run_id": A, "tokens_reserved": 15}


@pytest.mark.parametrize(
    ("status", "repeated"), [("FAILED", 0), ("UNKNOWN", 1), ("INTENT", 1)], ids=["not done", "unknown", "begun"]
)
def test_a_call_made_again_reserves_beside_what_it_had_reserved_and_counts_as_repeated_if_it_may_have_been_made(
    db: Connection, status: str, repeated: int
) -> None:
    db.execute("UPDATE checkpoints SET status = %s, tokens_reserved = 4", [status])
    before = look(db)
    assert write(db, STATEMENTS["reserving reopen"]())
    call, root = _reserved(db, before)
    assert (call["run_id"], call["step_seq"], call["call_seq"]) == (A, 2, 1)
    assert (call["status"], call["attempt"], call["lease_token"], call["errors"]) == ("INTENT", 5, TOKEN, ["first"])
    assert call["intent_at"] > call["created_at"] + timedelta(minutes=59)
    assert (call["tokens_reserved"], call["repeated"], root["tokens_reserved"]) == (19, repeated, 15)


@pytest.mark.parametrize(("status", "repeated"), [("FAILED", 0), ("INTENT", 1)])
def test_a_question_put_to_another_model_reserves_as_one_asked_again(
    db: Connection, status: str, repeated: int
) -> None:
    db.execute("UPDATE checkpoints SET status = %s, tokens_reserved = 4", [status])
    before = look(db)
    assert write(db, STATEMENTS["reserving redirect"]())
    call, root = _reserved(db, before)
    assert (call["run_id"], call["step_seq"], call["call_seq"]) == (A, 2, 1)
    assert (call["status"], call["input"], call["model"], call["errors"]) == (
        "INTENT",
        {"b": 2},
        "m2",
        ["first", "asked another"],
    )
    assert (call["attempt"], call["lease_token"]) == (5, TOKEN) and call["input_hash"]
    assert call["intent_at"] > call["created_at"] + timedelta(minutes=59)
    assert (call["tokens_reserved"], call["repeated"], root["tokens_reserved"]) == (19, repeated, 15)


@pytest.mark.parametrize("name", RESERVING)
@pytest.mark.parametrize(
    ("reserved", "raised", "written"), [(5, 0, 1), (6, 0, 0), (6, 1, 1)], ids=["all", "one too many", "raised by one"]
)
def test_three_times_the_budget_of_the_root_run_may_be_reserved_and_what_a_person_raised_it_by(
    db: Connection, name: str, reserved: int, raised: int, written: int
) -> None:
    db.execute(
        "UPDATE runs SET token_budget = 10, tokens_in = 5, tokens_out = 5, tokens_reserved = %s, tokens_raised = %s",
        [reserved, raised],
    )
    assert len(write(db, STATEMENTS[name]())) == written
