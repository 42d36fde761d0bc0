"""Whatever happens to a run, in whatever order, it moves as the design says; and in the end it ends.

In CI a fixed number of steps that are the same every time. As many other ones as one likes:

    make machine STEPS=5000                    a failure is made smaller, kept, and tried first next time
    make machine STEPS=5000 ARGS='-k grouped'  the same through the journal that commits in groups
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.lifecycle_machine.attempts import Attempts
from tests.lifecycle_machine.machine import LifecycleMachine
from tests.lifecycle_machine.maze import TOOLS
from tests.lifecycle_machine.world import world

STEPS = int(os.environ.get("LONGHAUL_MACHINE_STEPS", "0"))
STEPS_OF_AN_EXAMPLE = 40
STEPS_IN_CI = {"direct": 400, "grouped": 80}


class Code:
    """A tool's code: whatever the attempt under way makes of it."""

    attempts: Attempts
    name: str

    def __call__(self, key: str, params: Any) -> Any:
        return self.attempts.send(self.name, key, params)

    def reconcile(self, key: str, params: Any) -> Any:
        return self.attempts.reconcile(key, params)


@pytest.mark.timeout(max(180, STEPS))
@pytest.mark.parametrize("journal", ["direct", "grouped"])
def test_every_run_moves_as_the_design_says_and_in_the_end_it_ends(database_url: str, journal: str) -> None:
    tools = {tool.name: Code() for tool in TOOLS.values()}
    steps = STEPS or STEPS_IN_CI[journal]
    configured = settings(
        max_examples=max(1, steps // STEPS_OF_AN_EXAMPLE),
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        derandomize=not STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=list(Phase) if STEPS else [Phase.generate],  # making a failure smaller takes minutes
        print_blob=True,
    )
    with world(database_url, tools, grouped=journal == "grouped") as made:
        machine = type("Machine", (LifecycleMachine,), {"world": made})
        run_state_machine_as_test(machine, settings=configured)
