"""A worker whose many steps all wait for a model lives for everybody else: it pings, and no run is taken from it."""

from __future__ import annotations

import os

import pytest

from tests.support.agents import WAITING_LONG
from tests.support.gated_model import gated_model
from tests.support.programs import Program
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

SLOTS = int(os.environ.get("WAITING_STEPS", "200"))
"""Steps that wait at once: with WAITING_STEPS=1000, which takes a machine of its own, as many as is said of a worker."""
PINGS = 3
"""So many pings while all steps wait."""


@pytest.mark.timeout(480)
def test_a_worker_whose_every_slot_waits_for_a_model_pings_and_keeps_its_runs(make_stack: MakeStack) -> None:
    with gated_model({"outcome": "granted"}) as model:
        stack = make_stack(
            "agents:WAITING_LONG",
            provider="openai:gated",
            openai_base_url=model.url,
            downstreams="{}",
            ping_seconds="1",
            silent_seconds="10",
        )
        worker = stack.worker("-c", str(SLOTS))
        stack.wait(lambda: stack.is_registered(worker), "the worker to register")
        stack.beat()
        runs = [stack.start(WAITING_LONG, f"waits {n}") for n in range(SLOTS)]
        model.until_waiting(SLOTS)
        for _ in range(PINGS):
            _until_it_pings_again(stack, worker)
        model.gate.set()
        stack.until_complete(*runs)
    taken = stack.all("SELECT run_id FROM transitions WHERE event = 'lease taken' GROUP BY run_id HAVING count(*) > 1")
    lost = stack.all("SELECT run_id FROM transitions WHERE to_status = 'SUSPECTED_DEAD'")
    assert (taken, lost) == ([], []), "a run was taken from a worker that lives"


def _until_it_pings_again(stack: Stack, worker: Program) -> None:
    last = stack.row_of(worker)["pinged_at"]
    stack.wait(lambda: stack.row_of(worker)["pinged_at"] > last, "the next ping")
