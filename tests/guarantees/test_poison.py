"""A step that kills its worker every time is stopped after three crashes alone; who was beside it suffers nothing."""

from __future__ import annotations

import pytest

from tests.support.small_workflows import PAYING, POISON
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee


def test_a_poisonous_step_ends_in_dead_letter_and_its_neighbours_complete(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:POISON", "small_workflows:PAYING")
    stack.workers(1, kept=True, pools="steps,sweeps")
    stack.workers(1, kept=True, pools="documents,isolated")
    stack.beat()
    neighbours = [f"neighbour {n}" for n in range(3)]
    for subject in neighbours:
        stack.faults.arm("in_step", subject, "hold")
    beside = [stack.start(PAYING, subject) for subject in neighbours]
    for subject in neighbours:
        stack.until_done("in_step", subject)
    poison = stack.start(POISON, "poison")

    stack.until_status(poison, "DEAD_LETTER")
    stack.until_complete(*beside)

    # The first crash, beside others, counts for nobody; then three alone.
    assert stack.events(poison).count("lease taken") == 4
    assert stack.events(poison).count("worker lost") == 4
    assert stack.run(poison)["queue"] == "isolated.poison.v1"
    (task,) = stack.all("SELECT * FROM human_tasks WHERE run_id = %s", poison)
    assert (task["kind"], task["status"], task["role"]) == ("triage", "OPEN", "operator")
    assert len(stack.all("SELECT 1 FROM dead_letters WHERE run_id = %s AND closed_at IS NULL", poison)) == 1
    assert len(stack.all("SELECT 1 FROM alerts WHERE run_id = %s AND resolved_at IS NULL", poison)) == 1
    for run_id in beside:
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 2, "a neighbour's work was repeated"
        assert stack.events(run_id).count("worker lost") == 1
        assert {move["attempt"] for move in stack.moves(run_id)} == {1}


def test_a_poisonous_step_is_stopped_though_its_worker_serves_every_pool(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:POISON", "small_workflows:PAYING")
    stack.workers(2, kept=True)
    stack.beat()
    poison = stack.start(POISON, "poison")
    beside = [stack.start(PAYING, f"neighbour {n}") for n in range(20)]
    stack.until_complete(*beside)
    stack.until_status(poison, "DEAD_LETTER")
    assert [stack.payments_of(run_id) for run_id in beside] == [2] * 20
