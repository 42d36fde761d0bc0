"""The connection is lost while a call's failure is committed, and it is written again: the step goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NotDone, Throttled
from app.engine import start
from app.store.database import Database
from app.store.journal.journal import DirectJournal, Rows
from app.store.runs.moves import Statement
from tests.support.journey import travel
from tests.support.small_workflows import PAYING, Bill


class Unsure(DirectJournal):
    """Every commit goes through and its answer is lost, so that it is made again, as `persist` does."""

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        super().write(run_id, statements, until=until)
        return super().write(run_id, statements, until=until)


@pytest.mark.parametrize(
    ("problem", "status", "attempt"),
    [
        (NotDone("connection refused"), "WAITING_FOR_TIMER", 2),
        (Throttled("not so fast", retry_after_seconds=60), "WAITING_FOR_TIMER", 1),
        (NotDone("no such account", retry=False), "DEAD_LETTER", 1),
    ],
    ids=["refused", "throttled", "refused for good"],
)
def test_a_call_that_certainly_failed_is_not_taken_for_a_lost_lease(
    database_url: str, problem: Exception, status: str, attempt: int
) -> None:
    def pay(key: str, params: Any) -> Any:
        raise problem

    with travel(database_url, workflows=(PAYING,), tools={"payments.pay": pay}) as journey:
        journey.rt.journal = Unsure(Database(database_url, "worker"))
        work = lambda db: start.start(db, PAYING, subject="P-1", data=Bill(), key=None, actor="test")  # noqa: E731
        run_id = journey.rt.database.transact(work).run_id
        journey.go()
        run = journey.run(run_id)
        journey.rt.journal.close()
    assert (run["status"], run["attempt"]) == (status, attempt)
