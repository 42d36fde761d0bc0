"""Without beat and without a broker: idle processes sweep, and take what nobody took, once and within their slots."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app import sweeps
from app.core.ids import new_token
from app.core.ports import Bell
from app.engine.holdings import Holding
from app.engine.process.housekeeping import Housekeeping
from tests.support.journey import Travel

QUEUES = ["steps.journey.v1", "steps.leaf.v1"]
OLD = timedelta(seconds=11)  # two periods of the dispatch sweep, and a bit
Make = Callable[..., Housekeeping]


@pytest.fixture
def housekeeping(journey: Travel) -> Iterator[Make]:
    """Makes housekeepers that look only when told to, with no sweep due unless given."""
    with ExitStack() as ends:

        def make(**changes: Any) -> Housekeeping:
            named: dict[str, Any] = {"queues": QUEUES, "slots": 2, "periods": {}, "sweep": lambda name: None, **changes}
            made = Housekeeping(journey.rt, **named)
            ends.callback(made.stop)
            return made

        yield make


def states(journey: Travel) -> list[str]:
    """GATHERING: not taken yet; ASKING: its first step was run."""
    return [row["state"] for row in journey.rows("SELECT state FROM runs ORDER BY id")]


def test_a_run_nobody_took_is_run_without_a_bell_once_it_is_old(journey: Travel, housekeeping: Make) -> None:
    keeper = housekeeping()
    journey.begin()
    assert keeper.look() == ([], 0)
    journey.advance_clock(OLD)
    assert keeper.look() == ([], 1)
    keeper.stop()
    assert states(journey) == ["ASKING"]


def test_a_run_whose_bell_the_broker_did_not_take_is_run_at_once_if_it_is_of_our_queues(
    journey: Travel, housekeeping: Make
) -> None:
    keeper = housekeeping()
    run_id = journey.begin()
    ours = Bell(run_id, 1, "journey", "GATHERING", "steps.journey.v1")
    keeper.offer([replace(ours, queue="documents.elsewhere.v1")])
    assert keeper.look() == ([], 0)
    keeper.offer([ours, ours])
    assert keeper.look() == ([], 2)
    keeper.stop()
    assert states(journey) == ["ASKING"], "once, though it was offered twice"


def test_what_is_offered_waits_for_a_free_slot(journey: Travel, housekeeping: Make) -> None:
    keeper, holdings = housekeeping(slots=1), journey.rt.holdings
    run_id = journey.begin()
    with holdings.hold(Holding(new_token(), 1, new_token(), float("inf"))):
        keeper.offer([Bell(run_id, 1, "journey", "GATHERING", "steps.journey.v1")])
        assert keeper.look() == ([], 0)
    assert keeper.look() == ([], 1)
    keeper.stop()
    assert states(journey) == ["ASKING"]


def test_only_runs_of_the_queues_this_process_serves_are_taken(journey: Travel, housekeeping: Make) -> None:
    journey.begin()
    journey.advance_clock(OLD)
    assert housekeeping(queues=["steps.leaf.v1", "steps.journey.v2"]).look() == ([], 0)
    assert states(journey) == ["GATHERING"]


def test_no_more_is_taken_than_slots_are_free(journey: Travel, housekeeping: Make) -> None:
    for n in range(6):
        journey.begin(f"J-{n}")
    journey.advance_clock(OLD)
    keeper, holdings = housekeeping(slots=3), journey.rt.holdings
    with holdings.hold(Holding(new_token(), 1, new_token(), float("inf"))):
        assert keeper.look() == ([], 2)
        keeper.stop()
    assert states(journey).count("GATHERING") == 4


def test_a_full_process_and_one_that_may_not_lease_look_after_nothing(journey: Travel, housekeeping: Make) -> None:
    journey.begin()
    journey.advance_clock(OLD)
    swept: list[str] = []
    keeper = housekeeping(slots=1, periods={"timers": 2.0}, sweep=swept.append)
    with journey.rt.holdings.hold(Holding(new_token(), 1, new_token(), float("inf"))):
        assert keeper.look() == ([], 0)
    journey.rt.holdings.accepting = False
    assert keeper.look() == ([], 0)
    assert swept == []


def test_a_prefork_child_takes_a_run_only_while_no_bell_has_its_slot(journey: Travel, housekeeping: Make) -> None:
    journey.begin()
    journey.advance_clock(OLD)
    slot = threading.Lock()
    keeper = housekeeping(slots=1, slot=slot)
    with slot:
        assert keeper.look() == ([], 0)
    assert keeper.look() == ([], 1)
    keeper.stop()
    assert not slot.locked()
    assert states(journey) == ["ASKING"]


def test_a_look_that_finds_nothing_leaves_the_slot_free(journey: Travel, housekeeping: Make) -> None:
    slot = threading.Lock()
    assert housekeeping(slots=1, slot=slot).look() == ([], 0)
    assert not slot.locked()


def test_two_processes_that_want_the_same_run_run_it_once(journey: Travel, housekeeping: Make) -> None:
    run_id = journey.begin()
    journey.advance_clock(OLD)
    one, other = housekeeping(), housekeeping()
    for keeper in (one, other):
        keeper.look()
    for keeper in (one, other):
        keeper.stop()
    events = [
        row["event"] for row in journey.rows("SELECT event FROM transitions WHERE run_id = %s ORDER BY seq", run_id)
    ]
    assert events.count("step finished") == 1


def test_overdue_sweeps_are_run_by_whoever_is_idle_and_once(journey: Travel, housekeeping: Make) -> None:
    periods = {"timers": 20.0, "dispatch": 50.0}
    named: dict[str, Any] = {"periods": periods, "sweep": lambda name: sweeps.run(journey.rt, name)}
    keepers = [housekeeping(**named) for _ in range(3)]
    assert sorted(name for keeper in keepers for name in keeper.look()[0]) == ["dispatch", "timers"]
    journey.advance_clock(timedelta(seconds=30))
    assert [keeper.look()[0] for keeper in keepers] == [[], [], []]
    journey.advance_clock(timedelta(seconds=20))
    assert [name for keeper in keepers for name in keeper.look()[0]] == ["timers"]


def test_a_sweep_that_fails_does_not_keep_the_others_from_running(journey: Travel, housekeeping: Make) -> None:
    def sweep(name: str) -> str:
        if name == "timers":
            raise RuntimeError("a bad row")
        return name

    keeper = housekeeping(periods={"timers": 2.0, "dispatch": 5.0, "heartbeats": 2.0}, sweep=sweep)
    assert sorted(keeper.look()[0]) == ["dispatch", "heartbeats"]


def test_the_thread_goes_on_by_itself_until_it_is_stopped(journey: Travel, housekeeping: Make) -> None:
    swept = threading.Event()
    keeper = housekeeping(periods={"timers": 0.05}, sweep=lambda name: swept.set())
    keeper.start()
    assert swept.wait(60)
    keeper.stop()
    journey.begin()
    journey.advance_clock(OLD)
    assert states(journey) == ["GATHERING"]
