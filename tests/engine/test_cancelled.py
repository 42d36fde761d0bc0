"""A cancel that was accepted while a step ran is kept, whatever the step comes to; else whoever cancels is told it is too late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.errors import NotDone, Refused
from app.core.lifecycle import EventKind
from app.core.retry import RetryPolicy
from app.core.run import Event
from app.core.workflow import Children, ChildRun, Step, Workflow
from app.engine import start
from app.engine.control import operate
from app.engine.control.signals import signal
from app.engine.step import advance
from app.humans.complete import complete
from app.store.records.verify import verify
from app.sweeps import heartbeats, timers
from tests.support.journey import Travel, travel
from tests.support.small_workflows import PAY, Bill, pay
from tests.support.workflows_that_wait import PAY_FOR_GOOD, SETTLING, Settlement

WITHDRAWN: dict[str, Any] = {"actor": "person:bea", "reason": "withdrawn"}


def _pays(step: Any, data: Bill) -> str:
    for purpose in data.purposes:
        data.paid.append(pay(step, purpose))
    return data.purposes[-1]


def _of_one_step(name: str, ending: str = "COMPLETE", attempts: int = 2) -> Workflow:
    state = Step("PAYING", does=_pays, retry=RetryPolicy(attempts=attempts), then={"last": ending})
    return Workflow(name=name, version=1, data=Bill, starts_at="PAYING", states=[state])


LAST = _of_one_step("last")
FAILING = _of_one_step("failing", "FAILED")
ONCE = _of_one_step("once", attempts=1)
PARENT = Workflow(
    name="parent",
    version=1,
    data=Bill,
    starts_at="SENDING",
    states=[
        Children(
            "SENDING",
            starts=lambda step, data: [ChildRun(workflow="last", subject="kid", data=Bill(purposes=["last"]))],
            then={"ended": "JOINING"},
        ),
        Step("JOINING", does=lambda step, data: "joined", then={"joined": "COMPLETE"}),
    ],
)


class Payments:
    """Pays, and does first what a test says."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.first: Callable[[], Any] = lambda: None

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.first()
        self.paid.append(key)
        return {"payment_id": f"P-{len(self.paid)}"}


@pytest.fixture
def payments() -> Payments:
    return Payments()


@pytest.fixture
def office(database_url: str, payments: Payments) -> Iterator[Travel]:
    workflows = (LAST, FAILING, ONCE, PARENT, SETTLING)
    with travel(database_url, workflows=workflows, tools={PAY.name: payments, PAY_FOR_GOOD.name: payments}) as journey:
        journey.enrol("bea", "adjuster")
        yield journey


def begin(office: Travel, workflow: Workflow, data: Any = None) -> UUID:
    data = data or Bill(purposes=["last"])
    work = lambda db: start.start(db, workflow, subject=f"{workflow.name}-1", data=data, key=None, actor="test")  # noqa: E731
    return office.rt.database.transact(work).run_id


def cancel(office: Travel, run_id: UUID) -> None:
    operate.cancel(office.rt, run_id, **WITHDRAWN)


def ends_cancelled(office: Travel, run_id: UUID) -> None:
    """The run is CANCELLED, nothing about it is left open, and its history holds."""
    assert office.run(run_id)["status"] == "CANCELLED"
    opened = "SELECT (SELECT count(*) FROM human_tasks) + (SELECT count(*) FROM alerts) + (SELECT count(*) FROM dead_letters) AS n"
    assert office.one(opened)["n"] == 0, "an ended run asks for somebody"
    verdict = office.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken


def _raise(problem: Exception) -> Any:
    raise problem


@pytest.mark.parametrize("workflow", [LAST, FAILING], ids=lambda each: each.name)
def test_a_cancel_accepted_in_the_last_step_ends_the_run_cancelled(
    office: Travel, payments: Payments, workflow: Workflow
) -> None:
    run_id = begin(office, workflow)
    payments.first = lambda: cancel(office, run_id)
    office.go()
    ends_cancelled(office, run_id)
    step = office.one(
        "SELECT status, output FROM checkpoints WHERE run_id = %s AND step_seq = 1 AND call_seq = 0", run_id
    )
    assert step["status"] == "COMPLETE" and step["output"]["data"]["paid"] == ["P-1"], "what was done is kept"


@pytest.mark.parametrize("retry", [False, True])
def test_a_cancel_accepted_before_a_step_is_stopped_opens_nothing_and_ends_the_run(
    office: Travel, payments: Payments, retry: bool
) -> None:
    run_id = begin(office, ONCE)

    def refuse() -> None:
        cancel(office, run_id)
        raise NotDone("refused", retry=retry)

    payments.first = refuse
    office.go()
    ends_cancelled(office, run_id)


def test_a_cancel_accepted_in_a_second_attempt_leaves_a_history_that_holds(office: Travel, payments: Payments) -> None:
    run_id = begin(office, LAST)
    payments.first = lambda: _raise(NotDone("refused"))
    office.go()
    office.tamper("UPDATE runs SET wake_at = app_now() WHERE id = %s", run_id)
    timers.run_once(office.rt)
    payments.first = lambda: cancel(office, run_id)
    office.go()
    assert office.run(run_id)["attempt"] == 2
    ends_cancelled(office, run_id)


def test_a_cancel_accepted_before_its_worker_dies_too_often_ends_the_run(office: Travel, payments: Payments) -> None:
    run_id = begin(office, LAST)
    payments.first = lambda: _raise(KeyboardInterrupt())  # type: ignore[arg-type]
    with suppress(KeyboardInterrupt):
        office.go()
    cancel(office, run_id)
    office.tamper("UPDATE runs SET crash_attempts = %s WHERE id = %s", office.rt.settings.crashes_alone, run_id)
    office.advance_clock(timedelta(hours=1))
    heartbeats.run_once(office.rt)
    ends_cancelled(office, run_id)


def test_a_child_whose_cancel_was_accepted_counts_as_ended_for_its_parent(office: Travel, payments: Payments) -> None:
    parent = begin(office, PARENT)
    payments.first = lambda: cancel(office, office.one("SELECT id FROM runs WHERE subject = 'kid'")["id"])
    office.go()
    assert office.one("SELECT status FROM runs WHERE subject = 'kid'")["status"] == "CANCELLED"
    assert office.run(parent)["status"] == "COMPLETE"


def test_a_run_from_before_whose_accepted_cancel_was_lost_ends_at_its_next_move(
    office: Travel, payments: Payments
) -> None:
    run_id = begin(office, LAST)
    payments.first = lambda: _raise(NotDone("refused", retry=False))
    office.go()
    office.tamper("UPDATE runs SET cancel_requested = true WHERE id = %s", run_id)
    operate.fail(office.rt, run_id, actor="person:bea", reason="give it up")
    assert office.run(run_id)["status"] == "CANCELLED"
    assert office.one("SELECT count(*) FILTER (WHERE status = 'OPEN') AS n FROM human_tasks")["n"] == 0


def _approved(office: Travel) -> UUID:
    run_id = begin(office, SETTLING, Settlement())
    office.go()
    task = office.one("SELECT id FROM human_tasks WHERE run_id = %s", run_id)
    complete(office.rt, task["id"], by="bea", outcome="pay", answer={})
    return run_id


def test_an_irreversible_call_that_comes_after_an_accepted_cancel_ends_the_run_at_once(
    office: Travel, payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _approved(office)
    before = office.rt.journal.write

    def write(of: UUID, statements: Any, **more: Any) -> Any:
        if any("irreversible_since" in text and "INSERT INTO checkpoints" in text for text, _ in statements):
            with suppress(Refused):
                cancel(office, run_id)
        return before(of, statements, **more)

    monkeypatch.setattr(office.rt.journal, "write", write)
    office.go()
    assert payments.paid == []
    assert office.run(run_id)["status"] == "CANCELLED", "left to the next ping, under a lease nobody works on"
    assert office.one("SELECT status FROM actions WHERE run_id = %s", run_id)["status"] in ("APPROVED", "VOID")


def test_between_an_irreversible_intent_and_its_result_it_is_too_late_whoever_cancels(
    office: Travel, payments: Payments
) -> None:
    run_id = _approved(office)
    refused: list[str] = []

    def too_late() -> None:
        with pytest.raises(Refused, match="too late to cancel: an irreversible action was begun") as said:
            cancel(office, run_id)
        refused.append(str(said.value))
        with office.rt.database.transaction() as db:
            run = advance.lock_or_refuse(db, run_id)
            with pytest.raises(Refused):
                advance.apply(db, run, Event(kind=EventKind.CANCELLED, actor="person:bea", reason="stop"))

    payments.first = too_late
    office.go()
    assert refused and office.run(run_id)["status"] == "COMPLETE"


def test_an_irreversible_call_that_certainly_failed_lets_a_cancel_in_before_its_step_has_ended(
    office: Travel, payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = _approved(office)
    payments.first = lambda: _raise(NotDone("refused"))
    before = office.rt.journal.write

    def write(of: UUID, statements: Any, **more: Any) -> Any:
        done = before(of, statements, **more)
        if any("irreversible_since = NULL" in text for text, _ in statements):
            cancel(office, run_id)  # accepted: nothing irreversible stands now, and the lease does
        return done

    monkeypatch.setattr(office.rt.journal, "write", write)
    office.go()
    assert office.run(run_id)["status"] == "CANCELLED"
    with pytest.raises(Refused):
        signal(office.rt, run_id, "news", None, signal_id=str(uuid4()), actor="test")
