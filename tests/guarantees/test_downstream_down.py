"""While a downstream is down its runs park, others go on, nothing is lost; when it returns it is not run over."""

from __future__ import annotations

import json

import pytest

from tests.support.limited import FETCHING, RegistryService
from tests.support.small_workflows import TWO
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee
RUNS, RATE, BURST, FAILURES, AT_ONCE = 40, 10, 5, 3, 4


def test_a_downstream_that_was_down_is_not_run_over_when_it_returns_and_no_run_is_lost(make_stack: MakeStack) -> None:
    registry = RegistryService()
    try:
        limit = {"rate": f"{RATE}/s", "burst": BURST, "concurrency": AT_ONCE, "failures": FAILURES} | {
            "window": "60s",
            "cooldown": "2s",
        }
        limits = json.dumps({"registry": limit})
        stack = make_stack("limited:FETCHING", downstreams=limits, test_registry_url=registry.url)
        stack.workers(2)
        stack.beat()
        runs = [stack.start(FETCHING, f"D-{n}", {}) for n in range(RUNS)]

        def breaker() -> str:
            found = stack.all("SELECT breaker FROM downstreams WHERE name = 'registry'")
            return str(found[0]["breaker"]) if found else "none"

        stack.wait(lambda: breaker() == "open", "the breaker to open")
        stack.wait(
            lambda: stack.all("SELECT count(*) AS n FROM runs WHERE status = 'WAITING_FOR_TIMER'")[0]["n"] == RUNS,
            "every run to be parked, none in a thread",
        )
        others = [stack.start(TWO, f"other {n}") for n in range(5)]
        stack.until_complete(*others)
        # Probes fail meanwhile: they are no run's fault.
        asked = len(registry.log)
        stack.wait(lambda: len(registry.log) >= asked + 2, "two probes")
        spent = stack.all("SELECT coalesce(sum(attempt - 1), 0)::int AS n FROM runs")[0]["n"]
        assert spent < FAILURES, f"{spent} attempts were spent on a downstream that is down"

        registry.up = True
        stack.until_complete(*runs)
        answered = sum(1 for _, up in registry.log if up)
        assert answered == RUNS, "each run asked once after the return"
        # Those it was to be asked by may arrive late and together, but no more than may be under way at once.
        assert registry.most_in_a_second(up=True) <= RATE + BURST + AT_ONCE, "a stampede"
        assert breaker() == "closed" and not stack.all("SELECT 1 FROM permits")
    finally:
        registry.close()
