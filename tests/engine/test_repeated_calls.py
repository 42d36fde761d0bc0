"""A step that is worked on again makes the calls its journal holds, or says that it cannot; and what it may send once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import KeyReused
from app.core.retry import RetryPolicy
from app.core.workflow import Step, Workflow
from app.engine import start
from app.engine.control.signals import signal
from app.humans.complete import complete
from app.sweeps import timers
from tests.support.journey import Travel, travel

PAY = Tool("payments.pay", idempotent_for="1h", timeout="60s")
LOOK = Tool("registry.look_up", reads_only=True)


class Bag(BaseModel):
    """What the step paid."""

    paid: list[str] = []


class Service:
    """A payments service that answers as the test says, one deed per request; then always the same."""

    def __init__(self, *deeds: Callable[[], Any]) -> None:
        self.deeds, self.keys = list(deeds), list[str]()

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.keys.append(key)
        return self.deeds.pop(0)() if self.deeds else {"payment_id": "P-1"}


class Changing:
    """A step whose code is what the test makes of it."""

    def __init__(self) -> None:
        self.work: Callable[[Any], None] = lambda step: None

    def __call__(self, step: Any, data: Bag) -> str:
        self.work(step)
        return "done"


def _fail() -> Any:
    raise TimeoutError("no answer")


@pytest.fixture
def code() -> Changing:
    return Changing()


@pytest.fixture
def paying(database_url: str, code: Changing) -> Iterator[Travel]:
    def does(step: Any, data: Bag) -> str:
        return code(step, data)

    workflow = Workflow(
        name="changing",
        version=1,
        data=Bag,
        starts_at="PAYING",
        states=[Step("PAYING", does=does, retry=RetryPolicy(attempts=2), then={"done": "COMPLETE"})],
    )
    with travel(database_url, workflows=(workflow,), late_retries=1, late_retry_seconds=1.0) as journey:
        yield journey


def _begin(journey: Travel, service: Service) -> UUID:
    journey.rt.tools = {PAY.name: service, LOOK.name: lambda key, params: {"found": "x"}}
    workflow = journey.rt.workflows.newest("changing")
    begun = journey.rt.database.transact(
        lambda db: start.start(db, workflow, subject="S", data=Bag(), key=None, actor="test")
    )
    journey.go()
    return begun.run_id


def _again(journey: Travel, run_id: UUID) -> None:
    """The step is due once more."""
    journey.tamper("UPDATE runs SET wake_at = app_now() WHERE id = %s", run_id)
    timers.run_once(journey.rt)
    journey.go()


def _pays(amount: str) -> Callable[[Any], None]:
    def work(step: Any) -> None:
        step.call(PAY, amount=amount)

    return work


@pytest.mark.parametrize(("valid", "sent"), [("59 seconds", 1), ("90 seconds", 2)])
def test_a_call_is_repeated_only_while_its_key_is_valid_for_as_long_as_the_call_may_take(
    paying: Travel, code: Changing, valid: str, sent: int
) -> None:
    service, code.work = Service(_fail), _pays("10.00")
    run_id = _begin(paying, service)
    paying.tamper(
        f"UPDATE checkpoints SET key_valid_until = app_now() + interval '{valid}' WHERE run_id = %s AND call_seq = 1",
        run_id,
    )
    _again(paying, run_id)
    assert len(service.keys) == sent
    assert len(set(service.keys)) == 1
    assert paying.run(run_id)["status"] == ("COMPLETE" if sent == 2 else "WAITING_FOR_HUMAN")


def test_a_call_with_another_input_than_recorded_is_not_the_same_call(paying: Travel, code: Changing) -> None:
    service, code.work = Service(_fail), _pays("10.00")
    run_id = _begin(paying, service)
    code.work = _pays("99.00")
    _again(paying, run_id)
    run = paying.run(run_id)
    assert (len(service.keys), run["status"]) == (1, "WAITING_FOR_HUMAN")
    assert (
        paying.one("SELECT status FROM checkpoints WHERE run_id = %s AND call_seq = 1", run_id)["status"] == "UNKNOWN"
    )


def _looks(words: list[str]) -> Callable[[Any], None]:
    def work(step: Any) -> None:
        for word in words:
            step.call(LOOK, what=word)

    return work


def _looks_then_fails(words: list[str]) -> Callable[[Any], None]:
    def work(step: Any) -> None:
        for word in words:
            step.call(LOOK, what=word)
        raise TimeoutError("not now")

    return work


@pytest.mark.parametrize("words", [["one"], []])
def test_a_step_that_makes_fewer_calls_than_its_journal_holds_has_diverged(
    paying: Travel, code: Changing, words: list[str]
) -> None:
    code.work = _looks_then_fails(["one", "two"])
    run_id = _begin(paying, Service())
    code.work = _looks(words)
    _again(paying, run_id)
    run = paying.run(run_id)
    assert run["status"] == "DEAD_LETTER" and "without making every call" in run["waiting_reason"]


def test_a_step_that_makes_another_completed_call_has_diverged(paying: Travel, code: Changing) -> None:
    code.work = _looks_then_fails(["one"])
    run_id = _begin(paying, Service())
    code.work = lambda step: step.call(LOOK, what="another")
    _again(paying, run_id)
    assert paying.run(run_id)["status"] == "DEAD_LETTER"


def test_the_sweep_retries_a_failed_run_late_no_more_often_than_it_is_told(paying: Travel, code: Changing) -> None:
    code.work = _looks_then_fails([])
    run_id = _begin(paying, Service())
    _again(paying, run_id)
    first = paying.run(run_id)
    assert (first["status"], first["late_retries"]) == ("FAILED_RETRIABLE", 0) and first["wake_at"] is not None
    _again(paying, run_id)  # the one late retry begins with fresh attempts
    _again(paying, run_id)
    last = paying.run(run_id)
    assert (last["status"], last["late_retries"], last["wake_at"]) == ("FAILED_RETRIABLE", 1, None)


@pytest.mark.parametrize(
    ("outcome", "answer", "keys", "call"),
    [
        ("it_happened", {"comment": "seen", "result": {"payment_id": "P-9"}}, 1, {"payment_id": "P-9"}),
        ("it_did_not_happen", {"comment": "nothing there"}, 2, {"payment_id": "P-1"}),
    ],
)
def test_a_persons_verdict_is_what_the_step_goes_on_with(
    paying: Travel, code: Changing, outcome: str, answer: dict[str, Any], keys: int, call: Any
) -> None:
    answers = list[Any]()
    service, code.work = Service(_fail), lambda step: answers.append(step.call(PAY, amount="10.00"))
    run_id = _begin(paying, service)
    paying.tamper("UPDATE checkpoints SET key_valid_until = app_now() WHERE run_id = %s AND call_seq = 1", run_id)
    _again(paying, run_id)
    paying.enrol("olga", "operator")
    task = paying.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    complete(paying.rt, task["id"], by="olga", outcome=outcome, answer=answer)
    paying.go()
    assert paying.run(run_id)["status"] == "COMPLETE"
    assert answers == [call] and len(service.keys) == len(set(service.keys)) == keys


def test_a_signal_is_the_same_only_with_its_name_and_its_payload(paying: Travel, code: Changing) -> None:
    code.work = _looks_then_fails([])
    run_id = _begin(paying, Service())

    def say(name: str, payload: Any) -> bool:
        return signal(paying.rt, run_id, name, payload, signal_id="s-1", actor="test")

    assert say("approved", {"n": 1})
    assert not say("approved", {"n": 1})
    for name, payload in (("refused", {"n": 1}), ("approved", {"n": 2})):
        with pytest.raises(KeyReused, match="used before with another body"):
            say(name, payload)
