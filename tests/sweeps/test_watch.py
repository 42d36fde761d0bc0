"""Who may judge that a worker is gone, and who looks: sessions of their own age, one at a time, twice before a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.store.database import connect
from app.store.workers import workers
from app.sweeps.heartbeats import Lost
from app.sweeps.watch import Observer
from tests.support.journey import Travel
from tests.support.waiting import wait_for

Observers = Callable[..., Observer]


@pytest.fixture
def observer(journey: Travel) -> Iterator[Observers]:
    """Makes observers of processes of their own; old enough from the start, and with looks that need not be apart."""
    with ExitStack() as ends:

        def make(**settings: float) -> Observer:
            named = {"observer_age_seconds": 0.0, "looks_apart_seconds": 0.0, **settings}
            made = Observer(replace(journey.rt, settings=journey.rt.settings.model_copy(update=named)))
            ends.callback(made.close)
            return made

        yield make


@pytest.fixture
def worker(journey: Travel) -> Iterator[Callable[..., UUID]]:
    """Registers workers, with a session that holds their lock or without."""
    with ExitStack() as ends:

        def register(*, locked: bool) -> UUID:
            worker_id, lock_key = new_id(), new_id().int % 2**62
            with journey.rt.database.transaction() as db:
                workers.register(
                    db, worker_id, lock_key=lock_key, liveness="lock", host="here", pid=1, queues=["q"], slots=1
                )
            if locked:
                assert workers.lock(ends.enter_context(connect(journey.url, "worker")), lock_key)
            return worker_id

        yield register


def looks(journey: Travel) -> int:
    """How often the row of the looks was written since it was made."""
    return len(journey.rows("SELECT 1 FROM sweeps WHERE name = 'looks' AND last_started_at > 'epoch'"))


def who(lost: list[Lost]) -> list[UUID]:
    return [verdict.worker for verdict in lost]


def test_a_worker_without_a_session_is_found_at_the_second_look_and_not_at_the_first(
    observer: Observers, worker: Callable[..., UUID]
) -> None:
    gone, _, _ = worker(locked=False), worker(locked=True), worker(locked=True)
    one = observer(looks_apart_seconds=0.05)
    assert one.turn() == [], "one look is no verdict"
    assert who(wait_for(one.turn, "the second look")) == [gone]


def test_who_is_too_young_judges_nobody_and_keeps_nobody_from_looking(
    journey: Travel, observer: Observers, worker: Callable[..., UUID]
) -> None:
    gone, _, _ = worker(locked=False), worker(locked=True), worker(locked=True)
    young, old = observer(observer_age_seconds=3600.0), observer()
    assert [young.turn() for _ in range(3)] == [[], [], []]
    assert not looks(journey), "a look was wasted on a process that may not judge"
    assert who([*old.turn(), *old.turn()]) == [gone, gone]


def test_what_a_session_saw_counts_for_nothing_once_it_broke_and_the_next_one_is_young_again(
    journey: Travel, observer: Observers, worker: Callable[..., UUID]
) -> None:
    gone, _, _ = worker(locked=False), worker(locked=True), worker(locked=True)
    one = observer(looks_apart_seconds=0.05)
    assert one.turn() == []
    assert set(one._missing) == {gone}
    journey.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'longhaul-observer'")
    assert one.turn() == []
    assert one._missing == {}
    one._rt.settings.observer_age_seconds = 3600.0
    journey.tamper("UPDATE sweeps SET last_started_at = 'epoch' WHERE name = 'looks'")
    assert [one.turn() for _ in range(3)] == [[], [], []]
    assert not looks(journey)


def test_one_looks_for_all_and_who_suspects_somebody_looks_again_by_itself(
    journey: Travel, observer: Observers, worker: Callable[..., UUID]
) -> None:
    rest = [worker(locked=True) for _ in range(2)]
    observers = [observer(heartbeats_seconds=3600.0) for _ in range(3)]
    for one in observers:
        assert one.turn() == []
    gone = worker(locked=False)
    assert [one.turn() for one in observers] == [[], [], []], "another look though none is due"
    journey.tamper("UPDATE sweeps SET last_started_at = 'epoch' WHERE name = 'looks'")
    found = [[who(one.turn()) for one in observers] for _ in range(2)]
    assert found == [[[gone], [], []]] * 2
    assert gone not in rest


def test_if_most_are_missing_at_once_nobody_is_judged_by_it(observer: Observers, worker: Callable[..., UUID]) -> None:
    worker(locked=False), worker(locked=False), worker(locked=True)
    one = observer(heartbeats_seconds=0.0)
    assert [one.turn() for _ in range(3)] == [[], [], []]
