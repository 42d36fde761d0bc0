"""Tokens are reserved before a call and replaced by what was used after it, on the root run, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest

from app.core.errors import BadInput, NotDone, SchemaFailure
from app.core.ports import Answered
from app.core.workflow import Workflow
from app.engine import start
from app.engine.calls.spending import written
from app.engine.runtime import Registry
from app.humans.complete import complete
from app.store.runs import budgets
from tests.support.journey import Travel, travel
from tests.support.limited import FAMILY, THINKING, Work


class Killed(BaseException):
    """The process is gone: nothing it would have done happens."""


@pytest.fixture
def thinking(database_url: str) -> Iterator[Travel]:
    with travel(database_url) as journey:
        journey.rt.workflows = Registry((THINKING, FAMILY))
        journey.enrol("olga", "operator")
        yield journey


def _begin(journey: Travel, model: Callable[[Any], Any], workflow: Workflow = THINKING, **work: int) -> UUID:
    journey.rt.provider = cast(Any, model)  # only `limited.ask` asks it
    data = Work(**work)
    begun = journey.rt.database.transact(
        lambda db: start.start(db, workflow, subject="B-1", data=data, key=None, actor="test")
    )
    journey.go()
    return begun.run_id


def _saying(*replies: Any) -> Callable[[Any], Any]:
    """A model that gives these replies in turn, or raises them."""
    left = list(replies)

    def model(step: Any) -> Any:
        reply = left.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    return model


def _again(journey: Travel, run_id: UUID) -> None:
    """The run is taken up anew: its timer came due, or its worker was found dead."""
    journey.tamper(
        "UPDATE runs SET status = 'READY', ready_at = app_now(), lease_token = NULL, worker_id = NULL WHERE id = %s",
        run_id,
    )
    journey.go()


def _budget(journey: Travel, run_id: UUID) -> tuple[int, int, int]:
    run = journey.run(run_id)
    return run["tokens_reserved"], run["tokens_in"], run["tokens_out"]


def test_the_maximum_is_reserved_with_the_intent_and_replaced_by_what_was_used(thinking: Travel) -> None:
    seen: list[tuple[int, int, int]] = []

    def model(step: Any) -> Any:
        seen.append(_budget(thinking, step.run_id))
        return 1, 30, 12, Decimal("0.5")

    run_id = _begin(thinking, model, questions=2)
    assert seen == [(100, 0, 0), (100, 30, 12)]
    assert _budget(thinking, run_id) == (0, 60, 24)
    assert thinking.run(run_id)["cost"] == 1 and thinking.run(run_id)["status"] == "COMPLETE"


def test_a_child_reserves_and_counts_on_its_root_run(thinking: Travel) -> None:
    seen: list[int] = []

    def model(step: Any) -> Any:
        (root,) = thinking.rows("SELECT tokens_reserved FROM runs WHERE parent_run_id IS NULL")
        seen.append(root["tokens_reserved"])
        return 1, 10, 5, None

    root = _begin(thinking, model, FAMILY, questions=2, children=2)
    assert seen == [100] * 4, "a child's call reserves on the root run"
    assert _budget(thinking, root) == (0, 40, 20)
    assert thinking.run(root)["unpriced_calls"] == 4
    children = thinking.rows(
        "SELECT tokens_in + tokens_out + tokens_reserved AS n FROM runs WHERE parent_run_id = %s", root
    )
    assert [child["n"] for child in children] == [0, 0], "counted twice"


def test_a_call_lost_in_a_crash_keeps_its_reservation_and_its_repetition_counts_as_repeated(thinking: Travel) -> None:
    model = _saying(Killed("kill -9"), (1, 20, 10, Decimal(1)))
    with pytest.raises(Killed):
        _begin(thinking, model)
    run_id = thinking.one("SELECT id FROM runs")["id"]
    _again(thinking, run_id)
    assert _budget(thinking, run_id) == (100, 20, 10), "what the lost call may have used stays spent"
    call = thinking.one("SELECT repeated, tokens_reserved, tokens_in FROM checkpoints WHERE kind = 'model'")
    assert call == {"repeated": 1, "tokens_reserved": 100, "tokens_in": 20}


def test_a_retried_call_counts_what_each_try_used_and_nothing_for_one_that_was_not_made(thinking: Travel) -> None:
    unfit = SchemaFailure("no such field")
    unfit.spent = Answered(None, 40, 2, Decimal("0.25"))
    model = _saying(NotDone("connection refused"), unfit, (1, 50, 3, Decimal("0.25")))
    run_id = _begin(thinking, model)
    assert _budget(thinking, run_id) == (0, 0, 0)
    _again(thinking, run_id)
    assert _budget(thinking, run_id) == (0, 40, 2)
    _again(thinking, run_id)
    assert _budget(thinking, run_id) == (0, 90, 5) and thinking.run(run_id)["cost"] == Decimal("0.5")
    call = thinking.one("SELECT repeated, tokens_in, tokens_out, cost FROM checkpoints WHERE kind = 'model'")
    assert call == {"repeated": 0, "tokens_in": 90, "tokens_out": 5, "cost": Decimal("0.5")}


def test_at_three_times_the_budget_a_person_sees_the_bill_and_a_raise_pays_nothing_twice(thinking: Travel) -> None:
    asked = 0

    def model(step: Any) -> Any:
        nonlocal asked
        asked += 1
        return asked, 60, 40, Decimal(2) if asked == 1 else None

    run_id = _begin(thinking, model, questions=5)
    assert asked == 3, "300 of 3 x 100 tokens are used; the fourth call is refused before it is made"
    assert thinking.run(run_id)["status"] == "WAITING_FOR_HUMAN"
    assert "token budget reached" in thinking.run(run_id)["waiting_reason"]
    task = thinking.one("SELECT * FROM human_tasks WHERE status = 'OPEN'")
    assert (task["kind"], task["role"], task["outcomes"]) == ("budget", "operator", ["raise", "stop"])
    assert "THINKING, test:model: 3 calls, 180 tokens in, 120 out" in task["note"]
    assert "at least 2.0000 USD, 2 calls without a price" in task["note"]
    with pytest.raises(BadInput, match="tokens"):
        complete(thinking.rt, task["id"], by="olga", outcome="raise", answer={"comment": "go on"})
    complete(thinking.rt, task["id"], by="olga", outcome="raise", answer={"comment": "go on", "tokens": 200})
    thinking.go()
    assert (asked, thinking.run(run_id)["status"]) == (5, "COMPLETE")
    assert thinking.run(run_id)["step_seq"] == 1, "the same step went on"


def test_a_run_stopped_at_its_budget_is_cancelled_and_the_reason_kept(thinking: Travel) -> None:
    run_id = _begin(thinking, lambda step: (1, 60, 40, None), questions=5)
    task = thinking.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
    complete(thinking.rt, task["id"], by="olga", outcome="stop", answer={"comment": "too dear"})
    assert thinking.run(run_id)["status"] == "CANCELLED"
    assert thinking.one("SELECT reason FROM transitions WHERE event = 'cancelled'")["reason"] == "too dear"


def test_a_child_at_the_limit_of_its_root_is_raised_on_the_root(thinking: Travel) -> None:
    root = _begin(thinking, lambda step: (1, 60, 40, None), FAMILY, questions=4, children=1)
    task = thinking.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
    complete(thinking.rt, task["id"], by="olga", outcome="raise", answer={"comment": "go on", "tokens": 100})
    thinking.go()
    assert thinking.run(root)["tokens_raised"] == 100 and thinking.run(root)["status"] == "COMPLETE"
    assert _budget(thinking, root) == (0, 240, 160)


def test_an_answer_that_does_not_say_what_it_used_keeps_its_reservation_and_has_no_price(thinking: Travel) -> None:
    unfit = SchemaFailure("no such field")
    unfit.spent = Answered({"half": "an answer"})
    model = _saying(unfit, Answered({"outcome": "so"}))
    run_id = _begin(thinking, model)
    assert _budget(thinking, run_id) == (100, 0, 0)
    _again(thinking, run_id)
    assert _budget(thinking, run_id) == (200, 0, 0), "an unknown use was taken for none"
    assert thinking.run(run_id)["unpriced_calls"] == 2 and thinking.run(run_id)["status"] == "COMPLETE"
    bill = thinking.rt.database.transact(lambda db: budgets.bill(db, run_id))
    assert "price unknown" in written(bill) and "200 held" in written(bill)


def test_whoever_is_asked_for_more_is_told_how_much_is_needed(thinking: Travel) -> None:
    run_id = _begin(thinking, lambda step: (1, 120, 20, None), questions=4)
    task = thinking.one("SELECT * FROM human_tasks WHERE status = 'OPEN'")
    assert thinking.run(run_id)["status"] == "WAITING_FOR_HUMAN"
    assert task["defaults"] == {"tokens": 80}, "280 of 300 are used, and the next call may use 100"
    assert "needs 80 at the least" in task["note"]
