"""A write of a step waits for whoever has its run's row: what it was guarded by cannot change while it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store.database import Connection, connect
from app.store.runs import intents, steps
from app.store.runs.budgets import Reservation
from app.store.runs.moves import Statement
from app.store.runs.steps import Place
from tests.conftest import fresh_database
from tests.support.bench import TOKEN, A, insert, write
from tests.support.waiting import wait_for

PLACE = Place(run_id=A, step_seq=2, call_seq=1, token=TOKEN, attempt=5)
TOKENS = Reservation(root=A, tokens=15)
STATEMENTS: dict[str, Callable[[], Statement]] = {
    "intent": lambda: intents.intent(
        Place(run_id=A, step_seq=2, call_seq=3, token=TOKEN, attempt=5),
        step_name="HERE",
        kind=CheckpointKind.TOOL,
        name="n",
        input_text="{}",
    ),
    "reserving intent": lambda: intents.intent(
        Place(run_id=A, step_seq=2, call_seq=3, token=TOKEN, attempt=5),
        step_name="HERE",
        kind=CheckpointKind.MODEL,
        name="n",
        input_text="{}",
        reserves=TOKENS,
    ),
    "reopen": lambda: intents.reopen(PLACE, action=None),
    "reserving reopen": lambda: intents.reopen(PLACE, action=None, reserves=TOKENS),
    "redirect": lambda: intents.redirect(PLACE, input_text="{}", model="m", note="{}"),
    "reserving redirect": lambda: intents.redirect(PLACE, input_text="{}", model="m", note="{}", reserves=TOKENS),
    "result": lambda: steps.result(PLACE, status=CheckpointStatus.COMPLETE, output="1"),
    "date of an intent": lambda: intents.date_intent(PLACE),
    "stands no longer": lambda: steps.stands_no_longer(PLACE),
}


@pytest.fixture(scope="module")
def sessions(admin_url: str, template_database: str) -> Iterator[tuple[Connection, Connection]]:
    """Two sessions, one of which has the row of the run."""
    with (
        fresh_database(admin_url, template_database) as url,
        connect(url, "owner") as other,
        connect(url, "owner") as mine,
    ):
        insert(other, A)
        other.execute("SET session_replication_role = replica")  # past every guard
        other.execute("UPDATE checkpoints SET intent_at = app_now() + interval '1 day'")
        mine.execute("SET lock_timeout = '100ms'")
        with other.transaction():
            other.execute("SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE", [A])
            yield other, mine


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_write_of_a_step_waits_for_whoever_has_its_runs_row(
    sessions: tuple[Connection, Connection], name: str
) -> None:
    with pytest.raises(psycopg.errors.LockNotAvailable):
        write(sessions[1], STATEMENTS[name]())


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name.endswith(("reopen", "redirect", "result"))])
def test_what_was_written_of_a_call_meanwhile_is_not_overwritten(
    admin_url: str, template_database: str, name: str
) -> None:
    with (
        fresh_database(admin_url, template_database) as url,
        ThreadPoolExecutor(1) as elsewhere,
        connect(url, "owner") as other,
        connect(url, "owner") as mine,
    ):
        insert(other, A)
        other.execute("SET session_replication_role = replica")
        pid = mine.info.backend_pid
        with other.transaction():
            other.execute("SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE", [A])
            other.execute("UPDATE checkpoints SET status = 'COMPLETE' WHERE run_id = %s AND step_seq = 2", [A])
            writing = elsewhere.submit(write, mine, STATEMENTS[name]())
            wait_for(lambda: _waits(other, pid), "the write to wait")
        assert writing.result(30) == []
        assert {row["status"] for row in _calls(other)} == {"COMPLETE"}


def _waits(db: Connection, pid: int) -> bool:
    return bool(db.execute("SELECT 1 WHERE cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone())


def _calls(db: Connection) -> list[dict[str, Any]]:
    return db.execute("SELECT status FROM checkpoints WHERE run_id = %s AND step_seq = 2", [A]).fetchall()
