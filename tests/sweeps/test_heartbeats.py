"""Whoever cannot judge yet whether a worker is gone stands in nobody's way who can."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app import sweeps
from app.sweeps import heartbeats
from app.sweeps.heartbeats import Observer
from tests.support.journey import Travel


@pytest.fixture
def observer(journey: Travel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observer]:
    """The observer of this process, its session opened a moment ago."""
    made = Observer()
    monkeypatch.setattr(heartbeats, "_observer", made)
    made.stand(journey.rt)
    yield made
    made.close()


def begun(journey: Travel) -> object:
    return journey.one("SELECT last_started_at FROM sweeps WHERE name = 'heartbeats'")["last_started_at"]


def sweep(journey: Travel, observer_age_seconds: float) -> sweeps.Counts | None:
    journey.rt.settings.observer_age_seconds = observer_age_seconds
    return sweeps.run(journey.rt, "heartbeats")


def test_a_sweep_by_one_that_is_too_young_does_not_count_as_begun_while_others_begin_them(
    journey: Travel, observer: Observer
) -> None:
    period = journey.rt.settings.heartbeats_seconds
    assert sweep(journey, 0) is not None
    first = begun(journey)
    journey.advance_clock(timedelta(seconds=1.5 * period))
    assert sweep(journey, 3600) == {"gone": 0, "reassigned": 0, "overdue": 0}, "what it can judge, it does"
    assert begun(journey) == first
    assert sweep(journey, 0) is not None, "the next one that may judge was held off by one that may not"
    assert begun(journey) != first


def test_if_all_are_young_the_sweep_counts_as_begun_all_the_same(journey: Travel, observer: Observer) -> None:
    assert sweep(journey, 3600) is not None
    first = begun(journey)
    journey.advance_clock(timedelta(seconds=3 * journey.rt.settings.heartbeats_seconds))
    assert sweep(journey, 3600) is not None
    assert begun(journey) != first, "somebody would be told that nobody sweeps"


def test_one_that_stands_from_the_start_of_its_process_may_judge_at_its_first_look(
    journey: Travel, observer: Observer
) -> None:
    journey.rt.settings.observer_age_seconds = 0
    assert not observer.is_young(journey.rt)
    assert Observer().is_young(journey.rt), "a session that was never opened has no age"
