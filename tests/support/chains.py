"""A worker's threads in the test's own process: a slot that works on a step and on what it goes on with, as a pool's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.workflow import Step, Workflow
from app.engine.onward import Onward, Taken
from app.engine.runtime import Runtime
from app.engine.start import Started, start
from app.engine.step import chain
from app.engine.step.step import run_step
from app.store.database import Connection
from app.store.journal.journal import Rows
from app.store.runs.moves import Statement
from tests.support.journey import Travel


class Kept(BaseModel):
    """Whatever a step likes to keep, and how often each was worked on."""

    worked: list[str] = []
    anything: Any = None


Work = Callable[[Any, Kept], None]


def three_steps(work: Work = lambda step, data: None, *, noted: bool = True) -> Workflow:
    """A workflow of three steps, each of which does this work, and notes it in the data."""

    def does(step: Any, data: Kept) -> str:
        if noted:
            data.worked.append(step.state)
        work(step, data)
        return "done"

    return Workflow(
        name="three",
        version=1,
        data=Kept,
        starts_at="ONE",
        states=[
            Step("ONE", does=does, then={"done": "TWO"}, timeout="2m"),
            Step("TWO", does=does, then={"done": "THREE"}, timeout="3m"),
            Step("THREE", does=does, then={"done": "COMPLETE"}),
        ],
    )


def goes_on(rt: Runtime, **changes: Any) -> Onward:
    """From now on the runtime is a worker's with threads, which serves all that it has."""
    named: dict[str, Any] = {
        "queues": {workflow.route(state.name)["queue"] for workflow in rt.workflows for state in workflow.states},
        "serves": lambda *of: rt.state_of(*of) is not None,
        "draw": lambda: 1.0,
    }
    rt.onward = Onward(rt.holdings, **(named | changes))
    return rt.onward


def begin(journey: Travel, workflow: Workflow, subject: str = "C-1", **data: Any) -> UUID:
    """Start a run."""
    work: Callable[[Connection], Started] = lambda db: start(  # noqa: E731
        db, workflow, subject=subject, data=Kept(**data), key=None, actor="test"
    )
    return journey.rt.database.transact(work).run_id


@contextmanager
def slot(rt: Runtime) -> Iterator[None]:
    """This thread has a slot, as long as this lasts."""
    chain.begin(rt)
    try:
        yield
    finally:
        chain.end(rt)


def work_slot(rt: Runtime, run_id: UUID, state: str = "ONE", step_seq: int = 1) -> int:
    """A slot that is given one step, and goes on from there. How many steps it worked on."""
    worked = 1
    with slot(rt):
        said = run_step(rt, run_id, step_seq, workflow="three", state=state)
        while kept := rt.onward.next:
            said = step(rt, kept)
            worked += 1
    assert said not in ("not mine", "not accepting")
    return worked


def step(rt: Runtime, kept: Taken) -> str:
    """Work on what this thread kept."""
    run = kept.run
    return run_step(rt, run.id, run.step_seq, workflow=run.workflow, state=run.state)


class Between:
    """A journal that does something before and after each write that moves a run and takes its next lease."""

    def __init__(
        self, rt: Runtime, *, before: Callable[[], Any] | None = None, after: Callable[[], Any] | None = None
    ) -> None:
        self._inner, self._before, self._after = rt.journal, before, after
        self.transact, self.close = rt.journal.transact, rt.journal.close
        rt.journal = self

    def write(self, run_id: UUID, statements: Any, *, until: float, asynchronous: bool = False) -> list[Rows]:
        moves = any(is_move_with_lease(statement) for statement in statements)
        if moves and self._before:
            self._before()
        rows = self._inner.write(run_id, statements, until=until, asynchronous=asynchronous)
        if moves and self._after:
            again = self._after()
            return again if isinstance(again, list) else rows
        return rows


def is_move_with_lease(statement: Statement) -> bool:
    """Whether the statement moves a run and takes the lease of its next step."""
    return "seen_head" in statement[1]
