"""When a thread goes on with a run's next step, and when that is rung for: others are not kept waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from app.core.decide import decide
from app.core.ids import new_token
from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run, Transition
from app.engine.holdings import Holding
from app.engine.onward import BUSY_SECONDS, SECONDS, STEPS, WAITED_SECONDS, Taken
from app.engine.step.step import run_step
from app.store.runs import runs
from tests.support.chains import begin, goes_on, slot, three_steps, work_slot
from tests.support.journey import Travel, travel

THREE = three_steps()


@pytest.fixture
def worker(database_url: str) -> Iterator[Travel]:
    """A worker whose threads go on."""
    with travel(database_url, workflows=(THREE,)) as journey:
        goes_on(journey.rt)
        yield journey


def rung(journey: Travel) -> list[str]:
    return [bell.state for bell in journey.rt.dispatcher.rung]  # type: ignore[attr-defined]


def _not_of_our_queues(journey: Travel) -> Any:
    journey.rt.onward.queues = {"steps.others.v1"}


def _not_of_our_versions(journey: Travel) -> Any:
    journey.rt.onward.serves = lambda workflow, version, state: state == "ONE"


def _a_sibling_is_overdue(journey: Travel) -> Any:
    journey.rt.holdings.add(Holding(new_token(), 1, new_token(), 0.0))


@pytest.mark.parametrize("hindered", [_not_of_our_queues, _not_of_our_versions, _a_sibling_is_overdue])
def test_what_is_not_this_threads_to_do_is_rung_for(worker: Travel, hindered: Callable[[Travel], Any]) -> None:
    run_id = begin(worker, THREE)
    hindered(worker)
    assert work_slot(worker.rt, run_id) == 1
    assert (worker.run(run_id)["status"], rung(worker)) == ("READY", ["TWO"])
    assert worker.one("SELECT max(seq) AS last FROM transitions") == {"last": 3}


def test_a_thread_that_nobody_follows_does_not_go_on(worker: Travel) -> None:
    run_id = begin(worker, THREE)
    run_step(worker.rt, run_id, 1, workflow="three", state="ONE")
    assert (worker.run(run_id)["status"], rung(worker)) == ("READY", ["TWO"])


class Clock:
    """Monotonic seconds in our hands."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def chain_of(
    journey: Travel, *, seconds_each: float, full: bool = False, others: set[str] | None = None, drawn: float = 1.0
) -> tuple[int, int]:
    """How many steps a thread goes through that each take so long; how often it looked who waits."""
    clock, looks = Clock(), list[float]()

    def waiting(queues: Any, seconds: float) -> set[str]:
        assert seconds == WAITED_SECONDS
        looks.append(clock.now)
        return others or set()

    onward = goes_on(journey.rt, now=clock, is_full=lambda: full, waiting=waiting, draw=lambda: drawn)
    run_id = begin(journey, THREE, f"C-{new_token()}")
    count = 0
    with slot(journey.rt):
        while count < 50:
            count += 1
            clock.now += seconds_each
            run = journey.rt.database.transact(lambda db: runs.read(db, run_id))
            assert run is not None
            ready = _finished(run)
            if not onward.wants(run, ready):
                break
            onward.keep(cast(Taken, None))
    return count, len(looks)


def _finished(run: Run) -> Transition:
    """What the run's next move would be, were it leased and its step done."""
    done = Event(kind=EventKind.STEP_FINISHED, actor="x", outcome="done", routes={"done": THREE.route("TWO")})
    return decide(replace(run, status=Status.RUNNING), done)


def test_a_chain_ends_after_so_many_steps_or_so_long(worker: Travel) -> None:
    assert chain_of(worker, seconds_each=0.0) == (STEPS, 0)
    assert chain_of(worker, seconds_each=SECONDS / 4) == (4, 0)
    assert chain_of(worker, seconds_each=2 * SECONDS) == (1, 0)


def test_a_chain_yields_soon_when_all_slots_are_taken_and_a_run_of_another_queue_waits(worker: Travel) -> None:
    own = THREE.route("TWO")["queue"]
    half = 0.6 * BUSY_SECONDS
    assert chain_of(worker, seconds_each=half, full=True, others={"steps.other.v1"}) == (2, 1)
    assert chain_of(worker, seconds_each=half, full=False, others={"steps.other.v1"}) == (9, 0), "another slot is free"
    assert chain_of(worker, seconds_each=half, full=True, others={own})[0] == 9, "its own queue's wait behind it"


def test_who_waits_is_looked_for_once_for_all_threads(worker: Travel) -> None:
    steps_taken, looks = chain_of(worker, seconds_each=0.03, full=True)
    assert steps_taken == STEPS
    assert looks == 6, "from the fourth step on, and at most once in 50 ms"


def test_chains_that_began_together_do_not_end_together(worker: Travel) -> None:
    assert chain_of(worker, seconds_each=SECONDS / 8, drawn=0.0)[0] == 2
    assert chain_of(worker, seconds_each=SECONDS / 8, drawn=0.4)[0] == 5
    assert chain_of(worker, seconds_each=0.0, drawn=0.0)[0] == STEPS, "that are short may all be done"
