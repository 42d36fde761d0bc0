"""What the database lets each role do to the ledger, whatever the code that logs in under it believes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.ids import new_id
from app.humans.complete import complete
from app.store.database import Role, connect
from tests.actions.conftest import Bureau

FORGED_APPROVAL = """INSERT INTO approvals (id, action_id, approver, role, authority, digest, task_id, created_at, expires_at)
    SELECT gen_random_uuid(), a.id, 'sam', 'supervisor', 1e9, a.digest, t.id, app_now(), app_now() + interval '1 day'
    FROM actions a, human_tasks t"""
FORGED_ACTION = """INSERT INTO actions SELECT (jsonb_populate_record(a, '{"id": "00000000-0000-0000-0000-000000000001", "payee": "Eve"}')).*
    FROM actions a"""
FORGED_INTENT = """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, action_id, input, created_at)
    SELECT run_id, 99, 1, 'PAYING', 'tool', 'payments.pay', 'INTENT', id, jsonb_build_object('purpose', purpose, 'payee', payee,
        'amount', amount, 'currency', currency, 'claim', claim), app_now() FROM actions"""
NOBODY: list[tuple[Role, str]] = [
    (role, statement)
    for role in ("worker", "web")
    for statement in (
        FORGED_ACTION,
        FORGED_APPROVAL,
        "UPDATE actions SET amount = 900",
        "UPDATE actions SET payee = 'Eve'",
        "UPDATE actions SET status = 'APPROVED'",
        "UPDATE actions SET status = 'CONFIRMED'",
        "UPDATE actions SET proposed_by = 'agent'",
        "UPDATE actions SET dispute_closed_at = app_now()",
        "DELETE FROM actions",
        "UPDATE approvals SET expires_at = app_now() + interval '10 years'",
        "UPDATE approvals SET authority = 1e9",
        "DELETE FROM approvals",
        "ALTER TABLE checkpoints DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION is_approved(a actions) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    )
]
ONE: list[tuple[Role, str]] = [
    (
        "worker",
        "SELECT approve_action(gen_random_uuid(), gen_random_uuid(), id, 'sam', 'payment', 'Eve', 1, 30) FROM human_tasks",
    ),
    ("worker", "UPDATE approvals SET revoked_at = NULL"),
    ("worker", "INSERT INTO authorities VALUES ('ada', '*', 'EUR', 1e9)"),
    ("web", "SELECT confirm_action(id, true, '{}') FROM actions"),
    ("web", "SELECT void_actions_of_ended()"),
    ("web", FORGED_INTENT.replace("'INTENT', id", "'INTENT', NULL")),
]


@pytest.fixture
def waiting(bureau: Bureau) -> UUID:
    """A run whose payment was proposed by its reviewer and waits for a second person."""
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", amount="700")
    return run_id


def attempt(bureau: Bureau, role: Role, statement: str, *params: Any) -> None:
    """Execute plain SQL as a role."""
    with connect(bureau.journey.url, role) as db:
        db.execute(statement, params)


@pytest.mark.parametrize(("role", "statement"), NOBODY + ONE)
def test_nobody_writes_the_ledger_by_hand(bureau: Bureau, waiting: UUID, role: Role, statement: str) -> None:
    before = bureau.journey.rows("SELECT * FROM actions ORDER BY id"), bureau.journey.rows("SELECT * FROM approvals")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, role, statement)
    assert before == (
        bureau.journey.rows("SELECT * FROM actions ORDER BY id"),
        bureau.journey.rows("SELECT * FROM approvals"),
    )


def test_a_worker_cannot_begin_what_is_not_approved(bureau: Bureau, waiting: UUID) -> None:
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", FORGED_INTENT)
    assert refused.value.sqlstate == "LH001"


@pytest.mark.parametrize(
    "change", ["'payee', 'Eve'", "'amount', '700.01'", "'currency', 'EUR'", "'purpose', 'bonus'", "'claim', 'C-9'"]
)
def test_a_worker_cannot_begin_another_payment_than_the_approved_one(bureau: Bureau, change: str) -> None:
    run_id = bureau.begin()
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    assert bureau.action(run_id)["status"] == "APPROVED"
    forged = FORGED_INTENT.replace("'claim', claim)", f"'claim', claim) || jsonb_build_object({change})")
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", forged)
    assert refused.value.sqlstate == "LH001"
    attempt(bureau, "worker", FORGED_INTENT)  # exactly that one may be begun, once
    with pytest.raises(psycopg.Error):
        attempt(bureau, "worker", FORGED_INTENT.replace("99", "98"))


def test_the_web_can_end_an_unknown_call_and_never_send_it(bureau: Bureau) -> None:
    def lost() -> None:
        raise TimeoutError

    bureau.till.after = lost
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    unknown = "UPDATE checkpoints SET status = %s WHERE run_id = %s AND kind = 'tool'"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, "web", unknown, "INTENT", run_id)
    attempt(bureau, "web", unknown, "FAILED", run_id)
    assert bureau.action(run_id)["status"] == "APPROVED"


@pytest.mark.parametrize("by", ["nobody", "bea", "ada"])
def test_the_web_cannot_approve_for_somebody_who_may_not(bureau: Bureau, waiting: UUID, by: str) -> None:
    task = bureau.task(waiting)
    ask = "SELECT approve_action(%s, %s, %s, %s, 'payment', 'Ada Ferncastle', 700, 30)"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", ask, new_id(), new_id(), task["id"], by)
    assert refused.value.sqlstate == "LH002"


@pytest.mark.parametrize(("payee", "amount"), [("Eve", 700), ("Ada Ferncastle", 701), ("Ada Ferncastle", -700)])
def test_the_web_cannot_approve_what_the_task_does_not_propose(
    bureau: Bureau, waiting: UUID, payee: str, amount: int
) -> None:
    ask = "SELECT approve_action(%s, %s, %s, 'sam', 'payment', %s, %s, 30)"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", ask, new_id(), new_id(), bureau.task(waiting)["id"], payee, amount)
    assert refused.value.sqlstate == "LH003"


def test_a_closed_task_approves_nothing(bureau: Bureau) -> None:
    run_id = bureau.begin()
    task = bureau.task(run_id)["id"]
    bureau.answer(run_id, "ada")
    ask = "SELECT approve_action(%s, %s, %s, 'bea', 'payment', 'Ada Ferncastle', 100, 30)"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", ask, new_id(), new_id(), task)
    assert refused.value.sqlstate == "LH003"


def test_a_revoked_approval_stays_revoked(bureau: Bureau, waiting: UUID) -> None:
    attempt(bureau, "web", "UPDATE approvals SET revoked_at = app_now()")
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", "UPDATE approvals SET revoked_at = NULL")
    assert refused.value.sqlstate == "LH002"
