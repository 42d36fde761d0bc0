"""A process that has no use any more ends; one that has, or whose database is away, does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from app.core.ids import new_token
from app.engine.holdings import Holding
from app.engine.process.watchdog import Watchdog
from app.store.database import connect
from tests.support.journey import Travel

LIMIT = 120.0  # the default silence limit


class Dog:
    """A watchdog that says what it would do, at times the test chooses."""

    def __init__(self, journey: Travel) -> None:
        self.ended: list[str] = []
        self.lives = True
        self._dog = Watchdog(journey.rt, lives=lambda: self.lives, end=self.ended.append)
        self._now = 0.0

    def watches(self, seconds: float) -> list[str]:
        """Look once a quarter of a minute for so long; why the process was ended, if it was."""
        for _ in range(int(seconds / 15)):
            self._now += 15
            self._dog.turn(self._now)
        return self.ended


@pytest.fixture
def dog(journey: Travel) -> Dog:
    return Dog(journey)


def test_a_process_that_may_take_leases_is_left_alone(journey: Travel, dog: Dog) -> None:
    assert not dog.watches(3 * LIMIT)


def _unaccepting(journey: Travel, dog: Dog) -> None:
    journey.rt.holdings.lost_touch()


def _unvouched(journey: Travel, dog: Dog) -> None:
    journey.rt.holdings.vouch(time.monotonic() - 1)


def _threadless(journey: Travel, dog: Dog) -> None:
    dog.lives = False


@pytest.mark.parametrize("useless", [_unaccepting, _unvouched, _threadless], ids=lambda kind: kind.__name__[1:])
def test_a_process_that_may_not_take_leases_for_longer_than_its_limit_ends(
    journey: Travel, dog: Dog, useless: Callable[[Travel, Dog], None]
) -> None:
    useless(journey, dog)
    assert not dog.watches(LIMIT), "too soon"
    assert dog.watches(30)


def test_the_time_counts_without_a_break(journey: Travel, dog: Dog) -> None:
    for _ in range(3):
        journey.rt.holdings.accepting = False
        assert not dog.watches(LIMIT)
        journey.rt.holdings.accepting = True
        assert not dog.watches(15)


@contextmanager
def _away(journey: Travel) -> Iterator[None]:
    url, journey.rt.settings.database_url = journey.rt.settings.database_url, f"{journey.url}&port=1"
    yield
    journey.rt.settings.database_url = url


@contextmanager
def _read_only(journey: Travel) -> Iterator[None]:
    name = psycopg.conninfo.conninfo_to_dict(journey.url)["dbname"]
    journey.tamper(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    yield
    with connect(journey.url, "owner", options="-c default_transaction_read_only=off") as db:
        db.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


@pytest.mark.parametrize("database", [_away, _read_only], ids=lambda kind: kind.__name__[1:])
def test_while_nobody_could_begin_in_its_place_it_waits_and_then_has_its_whole_time(
    journey: Travel, dog: Dog, database: Callable[[Travel], AbstractContextManager[None]]
) -> None:
    journey.rt.holdings.lost_touch()
    with database(journey):
        assert not dog.watches(3 * LIMIT)
    assert not dog.watches(LIMIT), "the outage was counted"
    assert dog.watches(30)
    assert not journey.rows("SELECT 1 FROM workers"), "what it tried left something"


def test_a_process_that_stops_is_left_to_stop(journey: Travel, dog: Dog) -> None:
    journey.rt.holdings.stopping = True
    assert not dog.watches(3 * LIMIT)


def test_a_step_in_work_is_waited_for_and_one_that_is_lost_is_not(journey: Travel, dog: Dog) -> None:
    holdings = journey.rt.holdings
    holdings.lost_touch()
    with holdings.hold(Holding(new_token(), 1, new_token(), time.monotonic() + 3600)) as holding:
        assert not dog.watches(3 * LIMIT), "its result may have to be written"
        holdings.lose([holding])
        assert dog.watches(15)


def test_a_process_all_of_whose_threads_are_past_their_deadline_ends(journey: Travel, dog: Dog) -> None:
    holdings = journey.rt.holdings
    with holdings.hold(Holding(new_token(), 1, new_token(), time.monotonic() - 3600)):
        with holdings.hold(Holding(new_token(), 1, new_token(), time.monotonic() + 3600)):
            assert not dog.watches(LIMIT), "something else runs here"
        assert dog.watches(15)


def test_a_thread_that_only_learns_late_of_its_deadline_is_not_hung(journey: Travel, dog: Dog) -> None:
    with journey.rt.holdings.hold(Holding(new_token(), 1, new_token(), time.monotonic() - 1)):
        assert not dog.watches(15)
