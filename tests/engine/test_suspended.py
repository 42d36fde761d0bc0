"""A step suspended in the middle hears each signal once, whenever it comes, and nothing that was another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.declarations.prompts import Output, Prompt
from app.core.ports import Asking
from app.core.workflow import Step, Wait, Workflow
from app.engine import start
from app.engine.control import operate
from app.engine.control.signals import signal
from app.store.records.verify import verify
from app.sweeps import timers
from tests.support.agents import Case, Verdict
from tests.support.journey import Travel, travel

PROMPT = Prompt(name="twice", version=1, instructions="", output=Verdict)


class HearsTwice:
    """In place of a model: waits for the same signal twice, the second time for a minute at most."""

    def ask(
        self, prompt: Prompt[Output], request: Mapping[str, Any], asking: Asking, fixed: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Output, str]:
        heard = [asking.wait("news", {"time": "first"}, None), asking.wait("news", {"time": "second"}, 60.0)]
        words = ["expired" if "expired" in each else "+".join(s["payload"] for s in each["signals"]) for each in heard]
        return prompt.output.model_validate({"outcome": ", ".join(words)}), "nobody"


def _listen(step: Any, data: Case) -> str:
    data.outcome = step.ask(PROMPT, {}).outcome
    return "heard"


LISTENING = Workflow(
    name="suspended",
    version=1,
    data=Case,
    starts_at="WAITING",
    states=[
        Wait("WAITING", event="news", then={"news": "LISTENING"}),
        Step("LISTENING", does=_listen, then={"heard": "COMPLETE"}),
    ],
)


@pytest.fixture
def listening(database_url: str) -> Iterator[tuple[Travel, UUID]]:
    with travel(database_url, workflows=(LISTENING,), provider=HearsTwice()) as journey:
        work = lambda db: start.start(db, LISTENING, subject="S-1", data=Case(), key=None, actor="test")  # noqa: E731
        yield journey, journey.rt.database.transact(work).run_id


def _tell(journey: Travel, run_id: UUID, *words: str) -> None:
    for word in words:
        signal(journey.rt, run_id, "news", word, signal_id=word, actor="test")


def _outcome(journey: Travel, run_id: UUID) -> str:
    run = journey.run(run_id)
    assert (run["status"], run["pending_events"]) == ("COMPLETE", []), run
    verdict = journey.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken
    outcome: str = journey.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"]["outcome"]
    return outcome


def test_each_wait_hears_what_came_for_it_and_not_what_its_step_began_with(listening: tuple[Travel, UUID]) -> None:
    journey, run_id = listening
    journey.go()
    for words in (("entry",), ("one", "two")):
        _tell(journey, run_id, *words)
        journey.go()
    # The first word of a pair wakes the step; the second came while it was ready, and waited for the next.
    assert _outcome(journey, run_id) == "one, two"
    assert journey.one("SELECT count(*) AS n FROM checkpoints WHERE kind = 'wait' AND step_seq = 2") == {"n": 2}


def test_signals_that_came_before_they_were_waited_for_are_heard_at_once(listening: tuple[Travel, UUID]) -> None:
    journey, run_id = listening
    journey.go()
    _tell(journey, run_id, "entry", "early", "too")
    journey.go()
    assert journey.run(run_id)["status"] == "WAITING_FOR_EVENT", "it heard one signal twice"
    _tell(journey, run_id, "late")
    journey.go()
    assert _outcome(journey, run_id) == "early+too, late"


def test_a_wait_whose_time_is_up_says_so_and_never_early(listening: tuple[Travel, UUID]) -> None:
    journey, run_id = listening
    journey.go()
    _tell(journey, run_id, "entry")
    journey.go()
    _tell(journey, run_id, "one")
    journey.go()
    journey.advance_clock(timedelta(seconds=55))
    timers.run_once(journey.rt)
    journey.go()
    assert journey.run(run_id)["status"] == "WAITING_FOR_EVENT"
    journey.advance_clock(timedelta(seconds=6))
    timers.run_once(journey.rt)
    journey.go()
    assert _outcome(journey, run_id) == "one, expired"


def test_a_suspended_run_that_is_paused_goes_on_where_it_was(listening: tuple[Travel, UUID]) -> None:
    journey, run_id = listening
    journey.go()
    _tell(journey, run_id, "entry")
    journey.go()
    operate.pause(journey.rt, run_id, actor="person:noor", reason="a look")
    _tell(journey, run_id, "one")
    assert journey.run(run_id)["status"] == "PAUSED"
    operate.resume(journey.rt, run_id, actor="person:noor", reason="seen")
    journey.go()
    _tell(journey, run_id, "two")
    journey.go()
    assert _outcome(journey, run_id) == "one, two"


def test_a_suspended_run_can_be_cancelled(listening: tuple[Travel, UUID]) -> None:
    journey, run_id = listening
    journey.go()
    _tell(journey, run_id, "entry")
    journey.go()
    operate.cancel(journey.rt, run_id, actor="person:noor", reason="enough")
    assert journey.run(run_id)["status"] == "CANCELLED"
