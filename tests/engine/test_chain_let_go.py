"""A lease that came with a move and is not to be worked on any more is handed back, and costs the run nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.workflow import Step, Workflow
from app.engine import start
from app.engine.onward import Onward
from app.engine.step import advance, chain
from app.engine.step.step import run_step
from app.store.journal.journal import Journal, Rows
from app.store.runs.moves import Statement
from tests.support.journey import Travel, travel
from tests.support.waiting import wait_for


class Nothing(BaseModel):
    """The run needs no data."""


def _work(step: Any, data: Nothing) -> str:
    WORKED.append(step.state)
    return "done"


WORKED: list[str] = []


HURRIED = Workflow(
    name="hurried",
    version=1,
    data=Nothing,
    starts_at="PATIENT",
    states=[
        Step("PATIENT", does=_work, timeout="1h", then={"done": "HURRIED"}),
        Step("HURRIED", does=_work, timeout="1s", then={"done": "COMPLETE"}),
    ],
)


class Slow:
    """A journal whose writes are answered only when `until_then` is so."""

    def __init__(self, inner: Journal, until_then: Callable[[], object]) -> None:
        self._inner, self._until_then = inner, until_then

    def write(
        self, run_id: UUID, statements: Sequence[Statement], *, until: float, asynchronous: bool = False
    ) -> list[Rows]:
        rows = self._inner.write(run_id, statements, until=until, asynchronous=asynchronous)
        self._until_then()
        return rows

    def transact(self, work: Callable[..., Any], *, until: float) -> Any:
        return self._inner.transact(work, until=until)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def in_a_chain(database_url: str) -> Iterator[tuple[Travel, UUID]]:
    """A run whose first step is about to be taken, by a thread that goes on."""
    with travel(database_url, workflows=(HURRIED,)) as t:
        begin = lambda db: start.start(db, HURRIED, subject="H-1", data=Nothing(), key=None, actor="test")  # noqa: E731
        run_id = t.rt.database.transact(begin).run_id
        t.rt.onward = Onward(t.rt.holdings, queues={"steps.hurried.v1"}, serves=lambda *_: True)
        chain.begin(t.rt)
        try:
            yield t, run_id
        finally:
            chain.end(t.rt)


def first(t: Travel, run_id: UUID) -> str:
    return run_step(t.rt, run_id, 1, workflow="hurried", state="PATIENT")


def second(t: Travel, run_id: UUID) -> str:
    return run_step(t.rt, run_id, 2, workflow="hurried", state="HURRIED")


def test_a_lease_whose_time_was_over_when_its_write_was_answered_is_handed_back(database_url: str) -> None:
    with in_a_chain(database_url) as (t, run_id):

        def answered() -> None:
            if t.run(run_id)["step_seq"] == 2:
                wait_for(t.rt.holdings.overdue, "the second step's time to be over")

        t.rt.journal = Slow(t.rt.journal, answered)
        assert first(t, run_id) == "step finished"
        assert t.rt.onward.next is None, "a step is begun whose time is over"
        assert t.rt.holdings.all() == []
        row = t.run(run_id)
        assert (row["status"], row["state"], row["crash_attempts"], row["attempt"]) == ("READY", "HURRIED", 0, 1)


def test_a_step_handed_back_before_its_thread_came_to_it_is_not_begun(database_url: str) -> None:
    with in_a_chain(database_url) as (t, run_id):
        first(t, run_id)
        assert t.rt.onward.next is not None
        for holding in t.rt.holdings.without_intent():  # as at a planned shutdown
            advance.hand_back(t.rt, holding, "planned shutdown")
        t.rt.holdings.stopping = True
        WORKED.clear()
        assert second(t, run_id) == "lease lost"
        assert WORKED == [], "the work was done though the lease was gone"
        assert t.rows("SELECT event FROM transitions WHERE run_id = %s ORDER BY seq DESC LIMIT 1", run_id) == [
            {"event": "lease handed back"}
        ]
        assert t.rt.holdings.all() == []
