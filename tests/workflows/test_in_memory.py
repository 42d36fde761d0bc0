"""What tests a workflow in memory: the documentation's example holds, and a run moves there as it does on a database."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.core.errors import NeedsPerson, NotCanonical, Refused, Transient, Unrecoverable
from app.engine.control.signals import signal
from app.humans.complete import complete
from app.sweeps import timers
from longhaul import Prompt, Status, Tool
from longhaul.testing import Asked, Called, FakeStep, RunInMemory
from tests.support.journey import JOURNEY, Luggage, Travel
from tests.support.programs import PROJECT
from tests.workflows.test_readme_workflow import shown

LOOK_UP, PAY = Tool("registry.look_up", reads_only=True), Tool("payments.pay", irreversible=True, idempotent_for="1h")


def documented() -> dict[str, Any]:
    """What the code of docs/testing.md defines."""
    names: dict[str, Any] = {"__name__": "documented"}
    for code in re.findall(r"```python\n(.*?)```", (PROJECT / "docs/testing.md").read_text(), re.DOTALL):
        exec(
            compile(code, "docs/testing.md", "exec", dont_inherit=True), names
        )  # not with this file's own `from __future__`
    return names


EXAMPLES = {name: found for name, found in documented().items() if name.startswith("test_")}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_documented_tests_pass(example: Callable[[], None]) -> None:
    example()


def test_the_documentation_shows_tests() -> None:
    assert len(EXAMPLES) == 3


def test_a_run_enters_the_same_states_with_the_same_data_as_on_a_database(journey: Travel) -> None:
    journey.enrol("ada", "adjuster")
    run_id = journey.begin()
    journey.go()
    task = journey.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    complete(journey.rt, task["id"], by="ada", outcome="approved", answer={"amount": "12.00"})
    journey.go()
    signal(journey.rt, run_id, "letter", {"pages": 2}, signal_id="letter-1", actor="test")
    journey.go()
    journey.advance_clock(timedelta(hours=2))
    timers.run_once(journey.rt)
    journey.go()
    stored = journey.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"]
    entered = journey.rows("SELECT to_state FROM transitions WHERE run_id = %s ORDER BY seq", run_id)

    run = RunInMemory(JOURNEY, Luggage(), subject="J-1", calls={LOOK_UP.name: {"found": "about J-1"}}).go()
    run.answer("approved", amount="12.00").signal("letter", {"pages": 2}).timer_due()
    assert [child.subject for child in run.started] == ["J-1/0", "J-1/1"]
    run.children_ended()
    assert run.status is Status.COMPLETE
    assert run.path == [state for state, _ in groupby(row["to_state"] for row in entered)]
    assert run.data.model_dump(mode="json") == stored


def test_what_was_approved_is_given_to_the_next_state() -> None:
    run = RunInMemory(shown(), {"payee": "Ada", "amount": "12.50"}, calls={PAY.name: {"payment_id": "P-1"}})
    run.signal("parcel")
    run.go()
    assert run.state == "ASKING", "a signal that came before its wait is kept"
    with pytest.raises(Refused):
        run.answer("perhaps", comment="")
    with pytest.raises(ValidationError):
        run.answer("approve", remark=1)
    run.answer("approve", comment="It came back.")
    (paid,) = run.called
    assert (paid.tool, paid.params["amount"], run.data.payment) == (PAY.name, "12.50", "P-1")
    assert paid.action is not None and run.status is Status.COMPLETE


def test_what_a_state_raises_comes_out_and_the_state_is_tried_again() -> None:
    problems = [Transient("away")]

    def found(**_params: Any) -> dict[str, str]:
        if problems:
            raise problems.pop()
        return {"found": "it"}

    run = RunInMemory(JOURNEY, Luggage(), calls={LOOK_UP.name: found})
    with pytest.raises(Transient, match="away"):
        run.go()
    assert (run.state, run.data.answers) == ("GATHERING", []), "what it had changed is not kept"
    assert run.go().state == "ASKING"


def test_a_step_without_an_answer_fails_the_test() -> None:
    step = FakeStep()
    with pytest.raises(AssertionError, match=r"registry\.look_up was called with"):
        step.call(LOOK_UP, what="x")
    with pytest.raises(AssertionError, match="guess/1 was asked"):
        step.ask(GUESS, {})
    with pytest.raises(Unrecoverable, match="without an approved action"):
        step.call(PAY)


def test_calls_and_answers_are_json_as_the_journal_keeps_them() -> None:
    step = FakeStep(calls={LOOK_UP.name: lambda what: {"twice": Decimal(what) * 2}, PAY.name: {"open": object()}})
    assert step.call(LOOK_UP, what=Decimal("1.5")) == {"twice": "3.0"}
    assert step.called == [Called(LOOK_UP.name, {"what": "1.5"})]
    with pytest.raises(NotCanonical):
        step.call(PAY, action="a1")
    assert step.keep("once", lambda: (1, Decimal(2))) == [1, "2"] and step.kept == {"once": [1, "2"]}


def test_several_calls_are_all_made_and_the_first_failure_is_raised() -> None:
    def found(what: str) -> str:
        if what == "bad":
            raise Transient("away")
        return what.upper()

    step = FakeStep(calls={LOOK_UP.name: found})
    assert step.call_all([(LOOK_UP, {"what": "a"}), (LOOK_UP, {"what": "b"})]) == ["A", "B"]
    with pytest.raises(Transient):
        step.call_all([(LOOK_UP, {"what": "bad"}), (LOOK_UP, {"what": "c"})])
    assert [call.params["what"] for call in step.called] == ["a", "b", "bad", "c"]


class Guess(BaseModel):
    """A number."""

    number: int


GUESS = Prompt(name="guess", version=1, instructions="Guess.", output=Guess)
DOUBTED = replace(
    GUESS, rule=lambda asked: Guess(number=asked["at"]), check=lambda answer, _: ["too large"] * (answer.number > 9)
)


def test_a_model_answers_what_it_is_given_and_else_by_its_rule() -> None:
    step = FakeStep(asks={"guess": {"number": 4}})
    assert step.ask(GUESS, {"of": Decimal(1)}) == Guess(number=4)
    assert step.asked == [Asked("guess", {"of": "1"}, {})] and step.answered_by == "scripted"
    by_rule = FakeStep()
    assert by_rule.ask(DOUBTED, {"at": 7}).number == 7 and by_rule.answered_by != "scripted"
    with pytest.raises(NeedsPerson, match="not believed"):
        by_rule.ask(DOUBTED, {"at": 10})
    with pytest.raises(ValidationError):
        FakeStep(asks={"guess": {"number": "many"}}).ask(GUESS, {})
