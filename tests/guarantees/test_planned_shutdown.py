"""A planned shutdown: what can be handed back is, what stands at an open call is left to end, and nothing is counted."""

from __future__ import annotations

import pytest

from tests.conftest import BOTH_BROKERS
from tests.support.small_workflows import PAYING
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee


@BOTH_BROKERS
def test_a_shutdown_hands_back_what_it_may_and_counts_neither_attempts_nor_crashes(make_stack: MakeStack) -> None:
    # A grace that no busy machine outlasts: the process is killed here, when the time has come.
    stack = make_stack("small_workflows:PAYING", shutdown_grace_seconds=300)
    (leaving,) = stack.workers(1)
    stack.beat()
    stack.faults.arm("in_step", "between calls", "hold")
    stack.faults.arm("after_act", "to be answered", "hold")
    stack.faults.arm("after_act", "to be killed", "hold")
    between = stack.start(PAYING, "between calls", {"purposes": ["done"]})
    answered = stack.start(PAYING, "answered", {"purposes": ["to be answered", "later"]})
    killed = stack.start(PAYING, "killed", {"purposes": ["to be killed"]})
    stack.until_done("in_step", "between calls")
    stack.until_done("after_act", "to be answered")
    stack.until_done("after_act", "to be killed")
    stack.workers(1)

    leaving.terminate()

    # No call is open: the lease is handed back at once, and whatever the old thread still does is refused.
    stack.until_complete(between)
    assert "lease handed back" in stack.events(between)
    assert stack.requests_of(between) == 1, "the completed call was repeated"
    stack.faults.release("in_step", "between calls")
    lost = stack.wait(lambda: leaving.lines("lease_lost"), "the old thread to notice that its lease is gone")
    assert lost[0]["run_id"] == str(between)
    assert not {"worker lost", "reassigned"} & set(stack.events(between))

    # A call is open: the lease is kept until the step ends in the leaving process ...
    for held in (answered, killed):
        assert "lease handed back" not in stack.events(held), "a lease with an open intent was handed back"
        assert stack.holder(held) is leaving
    stack.faults.release("after_act", "to be answered")
    stack.until_complete(answered)
    assert stack.requests_of(answered) == stack.payments_of(answered) == 2
    assert not {"lease handed back", "worker lost"} & set(stack.events(answered))

    # ... or until the process is killed after its grace; then the run goes on elsewhere, and that was no crash of its.
    assert stack.holder(killed) is leaving
    stack.faults.arm("after_act", "to be killed", "hold")
    leaving.kill()
    stack.wait(lambda: stack.events(killed).count("lease taken") == 2, "the killed run to be taken again")
    again = stack.run(killed)
    assert (again["attempt"], again["crash_attempts"]) == (1, 1), "the planned death was counted"
    stack.faults.disarm()
    stack.until_complete(killed)
    assert (stack.requests_of(killed), stack.payments_of(killed)) == (2, 1)
    assert {move["attempt"] for run in (between, answered, killed) for move in stack.moves(run)} == {1}
