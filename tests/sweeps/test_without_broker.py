"""Real workers, no beat at all, and a broker that dies, hangs, forgets, or was never there: every run goes on."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from app.core.workflow import Workflow
from app.stack.servers.redis import EmbeddedRedis
from tests.conftest import scratch_folder
from tests.support.programs import Program
from tests.support.small_workflows import TWO
from tests.support.stack import Stack
from tests.sweeps.deaf_worker import PAGES

pytestmark = pytest.mark.guarantee

FLOWS = "tests.support.small_workflows:TWO,tests.sweeps.deaf_worker:PAGES"
POOLS = {"threads": ("steps,sweeps", TWO), "prefork": ("documents,isolated", PAGES)}
MakeStack = Callable[..., Stack]


@pytest.fixture
def broker() -> Iterator[EmbeddedRedis]:
    """A Redis of this test's own, to be mistreated."""
    with scratch_folder("mistreated") as folder:
        server = EmbeddedRedis(folder)
        server.start()
        yield server
        thaw(server)
        server.stop()


@pytest.fixture
def make_stack(tmp_path: Path, database_url: str, broker: EmbeddedRedis) -> Iterator[MakeStack]:
    """Makes the stack of the test, on its own broker."""
    with ExitStack() as ends:

        def make(**settings: object) -> Stack:
            stack = Stack(tmp_path, database_url, broker.url(), FLOWS, **settings)
            ends.callback(stack.end)
            return stack

        yield make


def hang(broker: EmbeddedRedis) -> None:
    assert broker.process is not None
    broker.process.send(signal.SIGSTOP)


def thaw(broker: EmbeddedRedis) -> None:
    if broker.process is not None:
        broker.process.send(signal.SIGCONT)


def without_bell(worker: Program) -> set[str]:
    """The runs of which the worker took a step straight from the database."""
    return {line["run_id"] for line in worker.lines("step_without_bell")}


def until_a_bell_is_answered(stack: Stack, workflow: Workflow, worker: Program) -> None:
    """Wait until the worker hears the broker again: a run is done by bells alone."""

    def answered() -> bool:
        run_id = stack.start(workflow, f"by bell {uuid.uuid4()}")
        stack.until_complete(run_id)
        return str(run_id) not in without_bell(worker)

    stack.wait(answered, "a run to be done by bells alone", seconds=90)


@pytest.mark.parametrize("pool", POOLS)
def test_runs_go_on_whatever_happens_to_the_broker_and_bells_are_heard_again_after_it(
    make_stack: MakeStack, broker: EmbeddedRedis, pool: str
) -> None:
    pools, workflow = POOLS[pool]
    stack = make_stack()
    (worker,) = stack.workers(1, pools=pools)
    until_a_bell_is_answered(stack, workflow, worker)

    broker.kill()
    dead = stack.start(workflow, "the broker is dead", ring=False)
    stack.until_complete(dead)
    stack.wait(lambda: str(dead) in without_bell(worker), "the line of the step taken without a bell")
    broker.start()
    until_a_bell_is_answered(stack, workflow, worker)

    hang(broker)
    hung = [stack.start(workflow, f"the broker hangs {n}", ring=False) for n in range(3)]
    stack.until_complete(*hung)
    thaw(broker)
    until_a_bell_is_answered(stack, workflow, worker)

    forgotten = stack.start(workflow, "the broker forgot everything")
    with redis.Redis(unix_socket_path=str(broker.socket_path)) as client:
        client.flushall()
    stack.until_complete(forgotten)
    until_a_bell_is_answered(stack, workflow, worker)
    assert worker.alive
    assert not worker.lines("deaf"), "the canary must not mistake a broken broker for a deaf worker"


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_started_while_the_broker_is_away_works_all_the_same(
    make_stack: MakeStack, broker: EmbeddedRedis, pool: str
) -> None:
    pools, workflow = POOLS[pool]
    stack = make_stack()
    broker.stop()
    run_id = stack.start(workflow, "no broker yet", ring=False)
    (worker,) = stack.workers(1, pools=pools)
    stack.until_complete(run_id)
    broker.start()
    until_a_bell_is_answered(stack, workflow, worker)


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_told_to_stop_while_its_broker_hangs_leaves_in_time_and_hands_back_its_run(
    make_stack: MakeStack, broker: EmbeddedRedis, pool: str
) -> None:
    pools, workflow = POOLS[pool]
    stack = make_stack(shutdown_grace_seconds=2)
    (worker,) = stack.workers(1, pools=pools)
    until_a_bell_is_answered(stack, workflow, worker)
    stack.faults.arm("before_move", "FIRST", "hold")
    run_id = stack.start(workflow, "held")
    stack.until_done("before_move", "FIRST")
    hang(broker)
    worker.terminate()
    stack.until_status(run_id, "READY")
    assert stack.events(run_id)[-1] == "lease handed back"
    stack.faults.release("before_move", "FIRST")
    stack.wait(lambda: not worker.alive, "the worker to leave", seconds=20)


@pytest.mark.parametrize("pool", POOLS)
def test_a_run_whose_bells_the_broker_does_not_take_goes_on_at_once_in_the_process_that_has_it(
    make_stack: MakeStack, broker: EmbeddedRedis, pool: str
) -> None:
    pools, workflow = POOLS[pool]
    # The sweep would ring in ten minutes, and nobody take an old run before.
    stack = make_stack(dispatch_seconds=600, local_delivery=False)
    (worker,) = stack.workers(1, pools=pools)
    until_a_bell_is_answered(stack, workflow, worker)
    stack.faults.arm("before_move", "FIRST", "hold")
    run_id = stack.start(workflow, "its bell will find no broker")
    stack.until_done("before_move", "FIRST")
    broker.kill()
    stack.faults.release("before_move", "FIRST")
    stack.until_complete(run_id)
    stack.wait(lambda: without_bell(worker) == {str(run_id)}, "the line of the step taken without a bell")


def test_a_run_taken_without_a_bell_goes_on_without_a_second_look(make_stack: MakeStack, broker: EmbeddedRedis) -> None:
    stack = make_stack(local_delivery=True)
    (worker,) = stack.workers(1, pools="steps,sweeps")
    broker.kill()
    run_id = stack.start(TWO, "no bell at all", ring=False)
    stack.until_complete(run_id)
    stack.wait(
        lambda: [line["step"] for line in worker.lines("step_without_bell")] == ["FIRST", "SECOND"],
        "the lines of both steps",
    )
    _, _, finished, leased, _ = stack.moves(run_id)
    assert (finished["event"], leased["event"]) == ("step finished", "lease taken")
    assert finished["created_at"] == leased["created_at"], "in one write"


def test_a_worker_that_lost_its_ears_connects_anew_and_one_that_cannot_leaves(make_stack: MakeStack) -> None:
    stack = make_stack(ping_seconds=0.5, shutdown_grace_seconds=3)
    (worker,) = stack.workers(1, pools="steps,sweeps")
    until_a_bell_is_answered(stack, TWO, worker)

    (stack.faults.folder / "deaf.once").touch()
    stack.wait(lambda: worker.lines("deaf"), "the worker to notice that it is deaf")
    until_a_bell_is_answered(stack, TWO, worker)
    assert worker.alive
    assert len(worker.lines("deaf")) == 1

    (stack.faults.folder / "deaf.always").touch()
    stack.wait(lambda: not worker.alive, "the worker to leave")
    assert worker.process.exit_code == 70, "a supervisor that restarts on failure must start it again"
    assert len(worker.lines("deaf")) == 3, "first it reconnects, then it leaves"
