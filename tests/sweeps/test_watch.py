"""Who may judge that a worker is gone, and who looks: sessions of their own age, one at a time, twice before a verdict."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.engine.process import identity
from app.store.database import Connection, connect
from app.store.workers import workers
from app.sweeps import neighbours
from app.sweeps.heartbeats import Lost
from app.sweeps.watch import Observer, Watch
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


def test_one_that_has_missed_a_ping_as_well_is_no_part_of_a_sudden_break(
    journey: Travel, observer: Observers, worker: Callable[..., UUID]
) -> None:
    gone = {worker(locked=False), worker(locked=False)}
    journey.tamper("UPDATE workers SET pinged_at = app_now() - interval '1 minute'")
    worker(locked=True)
    one = observer(heartbeats_seconds=0.0)
    assert set(who(one.turn())) == gone


# A neighbour: a process on this machine, whose end is seen.


class Neighbour:
    """A process on this machine, registered as a worker, with a session that holds its lock."""

    def __init__(self, journey: Travel, session: Connection, *, said_to_be: str | None = None) -> None:
        self.id, key = new_id(), new_id().int % 2**62
        self._process = subprocess.Popen(["sleep", "600"])
        self._session = session
        with journey.rt.database.transaction() as db:
            workers.register(
                db,
                self.id,
                lock_key=key,
                liveness="lock",
                host=socket.gethostname(),
                pid=self._process.pid,
                process=said_to_be or identity.of(self._process.pid),
                queues=["q"],
                slots=1,
            )
        assert workers.lock(session, key)

    def end(self) -> None:
        """Killed, and not yet reaped."""
        self._process.kill()

    def lose_its_lock(self) -> None:
        self._session.close()

    def reaped(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def neighbour(journey: Travel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Neighbour]]:
    """Makes neighbours; an end that was seen is remembered for as long as a slow machine may need."""
    monkeypatch.setattr(neighbours, "REMEMBERED_SECONDS", 600.0)
    with ExitStack() as ends:

        def make(**named: str) -> Neighbour:
            made = Neighbour(journey, ends.enter_context(connect(journey.url, "worker")), **named)
            ends.callback(made.reaped)
            return made

        yield make


NEVER = {"observer_age_seconds": 3600.0, "looks_apart_seconds": 3600.0, "heartbeats_seconds": 7200.0}
"""Whoever is found by such an observer was seen to end."""


def test_a_neighbour_that_was_seen_to_end_is_judged_at_any_age_as_soon_as_its_lock_is_missing(
    journey: Travel, observer: Observers, neighbour: Callable[..., Neighbour]
) -> None:
    first, second, young = neighbour(), neighbour(), observer(**NEVER)
    assert young.turn() == []
    first.end()
    second.end()
    wait_for(lambda: len(young.neighbours.ended()) == 2, "their end to be seen")
    assert young.turn() == [], "its session stands: whoever holds it might write"
    first.lose_its_lock()
    second.lose_its_lock()
    lost = wait_for(young.turn, "the verdict")
    assert {verdict.worker for verdict in lost} <= {first.id, second.id}
    assert {verdict.reason for verdict in lost} == {"its process has ended"}
    assert not looks(journey), "a look for all was wasted on a process that may not judge"


def test_a_neighbour_that_lives_is_not_judged_by_one_look_though_its_lock_is_missing(
    observer: Observers, neighbour: Callable[..., Neighbour]
) -> None:
    lives, one = neighbour(), observer(looks_apart_seconds=3600.0, heartbeats_seconds=0.0)
    neighbour(), neighbour()
    assert one.turn() == []
    lives.lose_its_lock()
    wait_for(lambda: (one.turn(), set(one._missing))[1] == {lives.id}, "its lock to be missed")
    assert one.turn() == []


def test_who_came_too_late_to_see_it_alive_or_sees_another_process_with_its_number_is_certain_of_nothing(
    journey: Travel, observer: Observers, neighbour: Callable[..., Neighbour]
) -> None:
    gone, elsewhere = neighbour(), neighbour(said_to_be=f"{identity.own()}, on another machine")
    gone.reaped()
    one = observer(**NEVER)
    assert one.turn() == []
    assert one.neighbours.descriptors() == []
    elsewhere.end()
    elsewhere.lose_its_lock()
    gone.lose_its_lock()
    locks = "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()"
    wait_for(lambda: not journey.rows(locks), "both locks to be missing")
    journey.tamper("UPDATE sweeps SET last_started_at = 'epoch'")
    assert one.turn() == []


def test_a_neighbour_that_left_in_order_before_it_ended_is_looked_for_no_more(
    journey: Travel, observer: Observers, neighbour: Callable[..., Neighbour]
) -> None:
    left, one = neighbour(), observer(**NEVER)
    assert one.turn() == []
    journey.tamper("UPDATE workers SET gone_at = app_now()")
    left.end()
    wait_for(one.neighbours.ended, "its end to be seen")
    wait_for(lambda: (one.turn(), one.neighbours.ended()) == ([], set()), "it to be settled")


def test_the_end_of_a_neighbour_is_heard_between_two_turns(
    journey: Travel, neighbour: Callable[..., Neighbour]
) -> None:
    one = neighbour()
    watch = Watch(replace(journey.rt, settings=journey.rt.settings.model_copy(update=NEVER)))
    watch.start()
    try:
        wait_for(watch._observer.neighbours.descriptors, "them to meet")
        one.end()
        one.lose_its_lock()
        wait_for(lambda: journey.rows("SELECT 1 FROM workers WHERE gone_at IS NOT NULL"), "it to be given up")
    finally:
        watch.stop()
    assert not watch._thread.is_alive()
