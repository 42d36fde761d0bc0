"""Children: started once, waited for through any kill, cancelled with their parent, unless it is too late."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.errors import Refused
from app.engine.control import operate
from app.engine.control.signals import signal
from app.humans.complete import complete
from tests.support.faults import Point
from tests.support.stack import MakeStack, Row, Stack
from tests.support.workflows_that_wait import FAMILY, HEARING, SETTLING

pytestmark = pytest.mark.guarantee

# The functions whose transactions they are: the parent's park with its children, and the ending of a child.
POINTS: list[tuple[Point, str]] = [
    ("before_transaction", "park_with_children"),
    ("after_transaction", "park_with_children"),
    ("before_transaction", "settle"),
    ("after_transaction", "settle"),
    ("before_bell", "PAYING"),
    ("before_bell", "JOINING"),
    ("after_act", "2"),
]


def _children(stack: Stack, parent: UUID) -> list[Row]:
    return stack.all("SELECT * FROM runs WHERE parent_run_id = %s ORDER BY subject", parent)


def test_a_join_survives_the_death_of_a_worker_at_any_point(make_stack: MakeStack) -> None:
    stack = make_stack("workflows_that_wait:FAMILY", "workflows_that_wait:HEARING", "small_workflows:PAYING")
    stack.workers(3, kept=True)
    stack.beat()
    for point, where in POINTS:
        stack.faults.arm(point, where)
        run_id = stack.start(FAMILY, f"{point} {where}", {"children": [["one"], ["two", "three"], []]})
        stack.until_done(point, where)
        stack.until_complete(run_id)

        what = f"killed {point} of {where}"
        children = _children(stack, run_id)
        assert [child["status"] for child in children] == ["COMPLETE"] * 3, what
        assert [stack.payments_of(child["id"]) for child in children] == [1, 2, 0], what
        assert all(stack.requests_of(child["id"], call) <= 2 for child in children for call in (1, 2)), what
        data = stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)[0]["data"]
        assert (len(data["paid"]), data["joins"]) == (3, 1), f"{what}: joined with other children than it has"
        assert stack.events(run_id).count("children ended") == 1, what
    childless = stack.start(FAMILY, "childless")
    stack.until_complete(childless)


def test_a_cancel_reaches_the_children_whatever_they_do(make_stack: MakeStack) -> None:
    stack = make_stack("workflows_that_wait:FAMILY", "workflows_that_wait:HEARING", "small_workflows:PAYING")
    stack.workers(1)
    stack.beat()
    web = stack.web(FAMILY, HEARING)
    stack.faults.arm("in_step", "busy.0", "hold")
    parent = stack.start(FAMILY, "busy", {"children": [["paid while we wait"], []], "waiting": 1})
    stack.until_done("in_step", "busy.0")
    busy, ended, waiting = (child["id"] for child in _children(stack, parent))
    stack.until_complete(ended)
    stack.until_status(waiting, "WAITING_FOR_EVENT")

    operate.cancel(web, parent, actor="person:bea", reason="withdrawn")
    assert stack.run(parent)["status"] == stack.run(waiting)["status"] == "CANCELLED"
    assert stack.run(busy)["cancel_requested"], "the child in work was not asked to stop"
    stack.faults.release("in_step", "busy.0")
    stack.until_status(busy, "CANCELLED")
    assert stack.run(ended)["status"] == "COMPLETE"
    assert stack.payments_of(busy) == 1, "what was paid before the cancel stays paid"
    with pytest.raises(Refused):
        signal(web, waiting, "word", "too late", signal_id="1", actor="test")
    with pytest.raises(Refused, match="too late to cancel: the run has ended as CANCELLED"):
        operate.cancel(web, parent, actor="person:bea", reason="again")


def _approved(stack: Stack, subject: str) -> UUID:
    """A run whose payment a person has approved."""
    run_id = stack.start(SETTLING, subject)
    stack.until_status(run_id, "WAITING_FOR_HUMAN")
    (task,) = stack.all("SELECT id FROM human_tasks WHERE run_id = %s", run_id)
    complete(stack.web(SETTLING), task["id"], by="bea", outcome="pay", answer={})
    return run_id


def test_a_cancel_comes_too_late_once_an_irreversible_intent_stands_and_in_time_before_it(
    make_stack: MakeStack,
) -> None:
    stack = make_stack("workflows_that_wait:SETTLING")
    stack.workers(2)
    stack.beat()
    stack.enrol("bea", "adjuster")
    web = stack.web(SETTLING)

    def cancel(run_id: UUID) -> Any:
        return operate.cancel(web, run_id, actor="person:bea", reason="withdrawn")

    late: list[tuple[Point, str]] = [("after_intent", "1"), ("after_act", "1"), ("before_move", "SETTLING")]
    for point, where in late:
        stack.faults.arm(point, where, "hold")
        run_id = _approved(stack, f"late {point}")
        stack.until_done(point, where)
        with pytest.raises(Refused, match="too late to cancel: an irreversible action was begun"):
            cancel(run_id)
        stack.faults.release(point, where)
        stack.until_complete(run_id)
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 1

    in_time: list[tuple[Point, str]] = [("after_lease", "2"), ("before_intent", "1")]
    for point, where in in_time:
        stack.faults.arm(point, where, "hold")
        run_id = _approved(stack, f"in time {point}")
        stack.until_done(point, where)
        cancel(run_id)
        stack.faults.release(point, where)
        stack.until_status(run_id, "CANCELLED")
        assert stack.requests_of(run_id) == 0, "paid though it was cancelled in time"
        assert stack.run(run_id)["irreversible_since"] is None
