"""A run waits thirty days with every process stopped, and goes on as if it had been a minute."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from app.humans.complete import complete
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from tests.support.clock import later
from tests.support.faults import Point
from tests.support.small_workflows import PAYING
from tests.support.stack import MakeStack
from tests.support.workflows_that_wait import LONG_AWAY

pytestmark = pytest.mark.guarantee

ASLEEP: list[tuple[str, Point]] = [("begun", "after_intent"), ("sent", "after_act")]


def test_a_run_that_waited_thirty_days_goes_on_with_identical_data_and_repeats_nothing(
    make_stack: MakeStack, request: pytest.FixtureRequest
) -> None:
    stack = make_stack("workflows_that_wait:LONG_AWAY", "small_workflows:PAYING")
    workers = stack.workers(2)
    waiting = stack.start(LONG_AWAY, "away")
    stack.until_status(waiting, "WAITING_FOR_HUMAN")
    # Two more are cut off in the middle of a payment whose key is honoured for a day.
    # One after the other: a fault holds whichever run comes to it first.
    cut_off = []
    for name, point in ASLEEP:
        stack.faults.arm(point, 1, "hold")
        cut_off.append(stack.start(PAYING, name, {"purposes": ["once"]}))
        stack.until_done(point, 1)
    for worker in workers:
        worker.kill()
    stack.bells.flush()
    before, journal = stack.run(waiting), stack.checkpoints(waiting)
    assert stack.requests_of(waiting) == 1

    stack.do(later(timedelta(days=30)))
    if "LONGHAUL_TEST_DATABASE_URL" not in os.environ:
        request.getfixturevalue("postgres_server").restart("fast")
    assert stack.run(waiting) == before
    web = stack.web(LONG_AWAY, PAYING)
    stack.enrol("bea", "adjuster", "operator")
    with web.database.transaction() as db:
        (task,) = task_list.whole(db, TaskFilter(run=waiting))
    complete(web, task.id, by="bea", outcome="go on", answer={"remark": "Back again."})

    stack.faults.disarm()
    stack.workers(1, kept=True)
    stack.until_complete(waiting)
    assert stack.requests_of(waiting) == stack.payments_of(waiting) == 2, "a completed call was repeated"
    assert stack.checkpoints(waiting)[: len(journal) - 1] == journal[:-1], "what was recorded changed"
    data = stack.all("SELECT data FROM run_data WHERE run_id = %s", waiting)[0]["data"]
    assert len(data["digests"]) == 2
    assert len(set(data["digests"])) == 1, "the data came back changed"
    assert data["answer"] == {"outcome": "go on", "by": "bea", "values": {"remark": "Back again."}}

    # Nobody knows whether those payments were made, and their keys are honoured no longer: a person finds out.
    for run_id, (name, _) in zip(cut_off, ASLEEP, strict=True):
        sent = stack.requests_of(run_id)
        stack.until_status(run_id, "WAITING_FOR_HUMAN")
        assert stack.requests_of(run_id) == sent == (1 if name == "sent" else 0), "sent again under a key that is void"
        with web.database.transaction() as db:
            (task,) = task_list.whole(db, TaskFilter(run=run_id))
        assert task.kind == "unknown"
        happened = (
            {"comment": "Looked it up.", "result": {"payment_id": "pay_looked_up"}}
            if sent
            else {"comment": "No trace of it."}
        )
        complete(web, task.id, by="bea", outcome="it_happened" if sent else "it_did_not_happen", answer=happened)
        stack.until_complete(run_id)
        assert stack.payments_of(run_id) == 1
