"""What was recorded is written once: a table of who may try what, on rows that a paid run left behind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.engine.control import operate, signals
from app.engine.control.purge import purge
from app.store.database import Role, connect
from app.store.ledger.actions import WRITTEN_ONCE
from tests.actions.conftest import Bureau
from tests.actions.test_roles import attempt

NO_RIGHT = "42501"
EVERYBODY: tuple[Role, ...] = ("worker", "web", "owner")
# What is tried, and what each role is told: no right at all, or that it is written once.
TABLE: list[tuple[str, str, str, str]] = [
    # statement, worker, web, owner
    ("UPDATE checkpoints SET output = '{}' WHERE call_seq = 1", WRITTEN_ONCE, "", WRITTEN_ONCE),
    (
        "UPDATE checkpoints SET output = '{}' WHERE call_seq = 0 AND step_seq = 1",
        WRITTEN_ONCE,
        WRITTEN_ONCE,
        WRITTEN_ONCE,
    ),
    ("UPDATE checkpoints SET status = 'UNKNOWN' WHERE call_seq = 1", WRITTEN_ONCE, "", WRITTEN_ONCE),
    ("UPDATE checkpoints SET status = 'INTENT' WHERE call_seq = 0", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE checkpoints SET output_hash = 'x' WHERE call_seq = 0", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE checkpoints SET completed_at = app_now() WHERE call_seq = 0", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE checkpoints SET input = '{}' WHERE call_seq = 1", WRITTEN_ONCE, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE checkpoints SET errors = '[1]' WHERE call_seq = 0", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE checkpoints SET lease_token = gen_random_uuid()", WRITTEN_ONCE, NO_RIGHT, WRITTEN_ONCE),
    ("DELETE FROM checkpoints", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE transitions SET reason = 'nobody asked'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE transitions SET actor = 'person:eve'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("DELETE FROM transitions", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE signals SET payload = '{}'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE signals SET actor = 'person:eve'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE signals SET consumed_step_seq = NULL", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("DELETE FROM signals", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE human_tasks SET status = 'OPEN'", WRITTEN_ONCE, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE human_tasks SET answer = '{}'", NO_RIGHT, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE human_tasks SET outcome = 'deny'", NO_RIGHT, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE human_tasks SET completed_by = 'bea'", NO_RIGHT, WRITTEN_ONCE, WRITTEN_ONCE),
    ("UPDATE human_tasks SET note = 'All is well.'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("DELETE FROM human_tasks", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE human_task_events SET actor = 'person:eve'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("DELETE FROM human_task_events", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE actions SET amount = 900", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE actions SET payee = 'Eve'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE actions SET status = 'APPROVED'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE actions SET status = 'VOID'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE actions SET executed_at = NULL", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("DELETE FROM actions", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE approvals SET approver = 'bea'", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE approvals SET digest = ''", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
    ("UPDATE approvals SET revoked_at = app_now()", NO_RIGHT, WRITTEN_ONCE, WRITTEN_ONCE),
    ("DELETE FROM approvals", NO_RIGHT, NO_RIGHT, WRITTEN_ONCE),
]


@pytest.fixture
def paid(bureau: Bureau) -> UUID:
    """A run that was reviewed, heard a signal, and paid."""
    run_id = bureau.begin()
    signals.signal(bureau.journey.rt, run_id, "remark", {"said": "hurry"}, signal_id="s-1", actor="person:ada")
    operate.pause(bureau.journey.rt, run_id, actor="person:ops", reason="a look")
    operate.resume(bureau.journey.rt, run_id, actor="person:ops", reason="seen")
    bureau.answer(run_id, "ada")
    assert bureau.status(run_id) == "COMPLETE"
    return run_id


def recorded(bureau: Bureau) -> list[Any]:
    """All that was recorded, as it stands."""
    tables = "checkpoints", "transitions", "signals", "human_tasks", "human_task_events", "actions", "approvals"
    return [bureau.journey.rows(f"SELECT to_jsonb(t) AS row FROM {table} t ORDER BY 1") for table in tables]


def told_to(bureau: Bureau, role: Role, statement: str) -> str | None:
    """What the database says to whoever tries it; empty if it did nothing, as no row is theirs to see."""
    try:
        attempt(bureau, role, statement)
    except psycopg.Error as problem:
        return problem.sqlstate
    return ""


@pytest.mark.parametrize("role", EVERYBODY)
def test_what_was_recorded_is_neither_changed_nor_deleted(bureau: Bureau, paid: UUID, role: Role) -> None:
    """All the rows of the table in one test: each leaves everything as it was."""
    before = recorded(bureau)
    for statement, *told in TABLE:
        expected = told[EVERYBODY.index(role)]
        assert told_to(bureau, role, statement) == expected, statement
        assert recorded(bureau) == before, statement


def test_erasing_is_the_exception_and_goes_only_towards_nothing(bureau: Bureau, paid: UUID) -> None:
    erasing = "SELECT set_config('longhaul.erasing', 'on', false)"
    for role in EVERYBODY:
        with connect(bureau.journey.url, role) as db:
            db.execute(erasing)
            with pytest.raises(psycopg.Error) as refused:
                db.execute('UPDATE checkpoints SET output = \'{"paid": "twice"}\' WHERE call_seq = 0')
            assert refused.value.sqlstate == WRITTEN_ONCE
            if role != "owner":
                with pytest.raises(psycopg.Error):
                    db.execute("UPDATE checkpoints SET output = NULL WHERE call_seq = 0")
    owner = bureau.journey.rt.database
    purge(owner, paid, actor="person:dpo", reason="asked for it", forget_document=lambda sha256: False)
    call = bureau.journey.one("SELECT * FROM checkpoints WHERE call_seq = 1")
    assert (call["output"], call["input"], call["status"]) == (None, None, "COMPLETE")
    assert bureau.action(paid)["amount"] == 100, "money that moved stays accounted for"
