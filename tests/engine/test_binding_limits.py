"""Where a limit holds runs up, everybody is told: which one, how many wait for it, and what raises it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.declarations.limits import _HELD_UP, held_up, held_up_by
from app.diagnosis.explain import explain
from app.engine import start
from app.engine.runtime import Registry
from app.store.reads import situation
from app.store.runs import downstreams
from app.store.runs.downstreams import BindingLimit
from app.sweeps import timers
from tests.support.journey import Travel, travel
from tests.support.limited import FETCH, FETCHING, Work


def begin(journey: Travel, count: int, first: int = 0) -> list[UUID]:
    """Runs that each ask the registry once, as far as they go."""
    journey.rt.workflows = Registry((FETCHING,))
    journey.rt.tools.setdefault(FETCH.name, lambda key, params: {"found": True})  # type: ignore[attr-defined]
    begun = [
        journey.rt.database.transact(
            lambda db, n=n: start.start(db, FETCHING, subject=f"D-{n}", data=Work(), key=None, actor="test")  # type: ignore[misc]
        ).run_id
        for n in range(first, first + count)
    ]
    journey.go()
    return begun


def said(journey: Travel, run_id: UUID) -> str:
    """What explain says of a run."""
    seen = journey.rt.database.transact(lambda db: situation.read(db, run_id))
    return explain(seen, journey.rt.settings).sentence


def binding(journey: Travel) -> list[BindingLimit]:
    """The limits that hold runs up now."""
    return journey.rt.database.transact(downstreams.binding)


def waiting(journey: Travel) -> list[UUID]:
    """The runs that are held up, those that come again soonest first."""
    return [
        row["id"] for row in journey.rows("SELECT id FROM runs WHERE status = 'WAITING_FOR_TIMER' ORDER BY wake_at")
    ]


def test_explain_says_which_rate_binds_how_many_runs_wait_for_it_and_what_raises_it(database_url: str) -> None:
    with travel(database_url, downstreams={"registry": {"rate": "0.1/s", "burst": 2}}) as journey:
        begin(journey, 5)
        told = said(journey, waiting(journey)[0])
        assert "because the limit 'registry' (0.1 a second) is used up; 3 runs wait for it" in told
        assert "this one comes again 20" in told
        assert "if registry can bear more, raise it with LONGHAUL_DOWNSTREAMS on every worker" in told


def test_explain_says_when_as_many_calls_are_under_way_as_a_limit_allows(database_url: str) -> None:
    with travel(database_url, downstreams={"registry": {"concurrency": 1}}) as journey:

        class Killed(BaseException):
            pass

        def die(key: str, params: Mapping[str, Any]) -> Any:
            raise Killed

        journey.rt.tools = {FETCH.name: die}
        with pytest.raises(Killed):
            begin(journey, 1)
        journey.rt.tools = {}
        (late,) = begin(journey, 1, first=1)
        assert "because the limit 'registry' (1 call at once) is used up; 1 run waits for it" in said(journey, late)


def test_a_limit_is_said_to_bind_while_it_holds_a_run_up_and_no_longer(database_url: str) -> None:
    with travel(database_url, downstreams={"registry": {"rate": "0.1/s"}}) as journey:
        assert binding(journey) == []
        begin(journey, 1)
        assert binding(journey) == []
        begin(journey, 2, first=1)
        (one,) = binding(journey)
        assert (one.downstream, one.why, one.rate_per_second, one.runs) == ("registry", "rate", 0.1, 2)
        while waiting(journey):
            journey.advance_clock(timedelta(seconds=15))
            timers.run_once(journey.rt)
            journey.go()
            assert sum(limit.runs for limit in binding(journey)) == len(waiting(journey))
        assert binding(journey) == []


def test_runs_that_wait_for_another_reason_are_not_counted_behind_a_limit(database_url: str) -> None:
    with travel(database_url, downstreams={"registry": {"rate": "0.1/s"}}) as journey:
        begin(journey, 4)
        other, *_ = waiting(journey)
        journey.tamper(f"UPDATE runs SET waiting_reason = 'try 1 of 3 failed' WHERE id = '{other}'")
        (one,) = binding(journey)
        assert one.runs == 2
        assert "limit" not in said(journey, other)


@pytest.mark.parametrize("why", sorted(_HELD_UP))
@pytest.mark.parametrize("name", ["letters", "model:openai", "a name of four words"])
def test_the_sentence_of_a_held_up_run_names_its_limit(why: str, name: str) -> None:
    assert held_up_by(held_up(name, why)) == ((name, why) if why in ("rate", "concurrency") else None)


@pytest.mark.parametrize("sentence", [None, "", "is called as often as it allows, perhaps", "try 1 of 3 failed"])
def test_what_is_no_sentence_of_ours_names_no_limit(sentence: str | None) -> None:
    assert held_up_by(sentence) is None
