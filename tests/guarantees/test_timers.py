"""A timer is never early, whatever the clocks of the machines say and however many sweep; nor is it ever forgotten."""

from __future__ import annotations

import pytest

from tests.support.small_workflows import NAPPING, WAITING
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee

_WAITS = """
SELECT r.subject, w.event, extract(epoch FROM w.created_at - p.created_at)::float8 AS waited
FROM transitions p JOIN transitions w ON w.run_id = p.run_id AND w.seq = p.seq + 1 JOIN runs r ON r.id = p.run_id
WHERE p.to_status IN ('WAITING_FOR_TIMER', 'WAITING_FOR_EVENT')"""


@pytest.mark.parametrize("ahead", [0, 3600, -3600], ids=["clocks agree", "an hour ahead", "an hour behind"])
def test_no_timer_wakes_its_run_early(make_stack: MakeStack, ahead: int) -> None:
    # Every process of ours has the wrong time; the database has the right one.
    stack = make_stack("small_workflows:NAPPING", "small_workflows:WAITING", test_clock_ahead=ahead)
    stack.workers(2)
    stack.beat()
    stack.beat()
    stack.payments.switch(refuse_times=6, refuse_status=503, retry_after=2)
    runs = [stack.start(flow, f"{flow.name} {n}") for n in range(6) for flow in (NAPPING, WAITING)]
    stack.until_complete(*runs)

    waits = stack.all(_WAITS)
    assert len(waits) == len(runs) + 6  # every run waits once by itself; six payments are asked to come back later
    for wait in waits:
        assert wait["waited"] >= 2.0, f"{wait['subject']} was woken after {wait['waited']:.3f} s by {wait['event']!r}"
    assert {wait["event"] for wait in waits} == {"timer due", "wait expired"}
