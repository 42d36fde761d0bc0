"""A write of a step waits for whoever has its run's row: what it was guarded by cannot change while it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store.database import Connection, connect
from app.store.runs import steps
from app.store.runs.moves import Statement
from app.store.runs.steps import Place
from tests.conftest import fresh_database
from tests.support.bench import TOKEN, A, insert, write

PLACE = Place(run_id=A, step_seq=2, call_seq=1, token=TOKEN, attempt=5)
STATEMENTS: dict[str, Callable[[], Statement]] = {
    "intent": lambda: steps.intent(
        Place(run_id=A, step_seq=2, call_seq=3, token=TOKEN, attempt=5),
        step_name="HERE",
        kind=CheckpointKind.TOOL,
        name="n",
        input_text="{}",
    ),
    "reopen": lambda: steps.reopen(PLACE, action=None),
    "redirect": lambda: steps.redirect(PLACE, input_text="{}", model="m", note="{}"),
    "result": lambda: steps.result(PLACE, status=CheckpointStatus.COMPLETE, output="1"),
    "date of an intent": lambda: steps.date_intent(PLACE),
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
