"""The broker is a doorbell: emptied, killed, hung or away, it loses no run, stops none, and holds up no submitter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.conftest import BOTH_BROKERS, Server
from tests.support.programs import PROJECT
from tests.support.rabbitmq import RabbitServer
from tests.support.small_workflows import PAYING
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

HELD_UP_SECONDS = 15  # for two connections and their time-outs on a loaded machine; a hung broker would hold for ever


@pytest.fixture
def server(broker: Server, broker_url: str) -> Iterator[Server]:
    """The broker's server, to which anything may be done: afterwards it runs again."""
    yield broker
    if broker.pid:
        os.kill(broker.pid, signal.SIGCONT)
    else:
        broker.start()


def _submitted(stack: Stack, subject: str) -> UUID:
    """Start a run from a process of its own, which must not be held up."""
    command = [sys.executable, "-m", "tests.support.submit", subject]
    env = stack.environment()
    done = subprocess.run(command, env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["seconds"] < HELD_UP_SECONDS, "a submitter was held up by the broker"
    run_id: UUID = stack.all("SELECT id FROM runs WHERE subject = %s", subject)[0]["id"]
    return run_id


def _load(stack: Stack, name: str) -> list[UUID]:
    return [stack.start(PAYING, f"{name} {n}", ring=n % 2 == 0) for n in range(20)]


def _until_bells_are_heard(stack: Stack, name: str) -> None:
    """A run that only a message can start: it shows that the workers listen to the broker again."""

    def heard() -> bool:
        if not stack.all("SELECT 1 FROM runs WHERE subject = %s", name):
            stack.bells.send("longhaul.start", ["paying", name, {}, name], queue="intake")
            return False
        return True

    stack.wait(heard, "a worker to listen to the broker again", every=1)


@BOTH_BROKERS
def test_a_broker_that_is_emptied_killed_or_hung_loses_no_run_and_holds_up_nobody(
    make_stack: MakeStack, server: Server
) -> None:
    stack = make_stack("small_workflows:PAYING")
    workers = stack.workers(2)
    stack.beat()
    stack.payments.switch(delay_before=0.1)
    runs: list[UUID] = []

    runs += _load(stack, "emptied")
    for _ in range(5):
        stack.bells.flush()
        runs.append(_submitted(stack, f"emptied between {len(runs)}"))
    stack.until_complete(*runs)
    _until_bells_are_heard(stack, "after it was emptied")

    runs += _load(stack, "killed")
    server.kill()
    away = [_submitted(stack, f"killed away {n}") for n in range(2)]
    stack.until_complete(*runs, *away)  # while it is away
    server.start()
    _until_bells_are_heard(stack, "after it was killed")

    runs += _load(stack, "hung")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    hung = [_submitted(stack, f"hung away {n}") for n in range(2)]
    stack.until_complete(*runs, *hung)  # while it hangs
    os.kill(server.pid, signal.SIGCONT)
    _until_bells_are_heard(stack, "after it hung")

    for run_id in [*runs, *away, *hung]:
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 2
    assert all(worker.alive for worker in workers), f"a worker needed help\n{stack.evidence()}"


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_rabbitmq_that_is_full_stops_no_run_and_holds_up_nobody(make_stack: MakeStack, server: RabbitServer) -> None:
    stack = make_stack("small_workflows:PAYING")
    workers = stack.workers(2)
    _until_bells_are_heard(stack, "before it was full")
    server.fill()
    try:
        full = [_submitted(stack, f"full {n}") for n in range(3)]
        stack.until_complete(*full)
    finally:
        server.fill(full=False)
    _until_bells_are_heard(stack, "after it was full")
    assert all(worker.alive for worker in workers), f"a worker needed help\n{stack.evidence()}"
