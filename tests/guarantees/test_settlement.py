"""No path leads to a settlement without a matching approval: not the API, not an operator, not plain SQL, not a copy.

Real workers under their own database role; what was paid is counted in the payments service's own file. Whoever can log in
as the worker's or the web's role writes here whatever that role may write, and the worker that finds it does not pay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.errors import LonghaulError
from app.engine.control import operate
from app.engine.control.signals import signal
from app.humans.complete import complete
from app.store.database import Role, connect
from tests.support.payouts import PAYOUT
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

PAID: dict[str, str] = {"payee": "Ada Ferncastle", "amount": "100.00", "currency": "USD"}


def by_sql(stack: Stack, role: Role, statement: str, *params: Any) -> None:
    """Plain SQL as a role of ours."""
    with connect(stack.database_url, role) as db:
        db.execute(statement, params)


def enter_paying(stack: Stack, run_id: UUID, role: Role, action: UUID | None = None) -> int:
    """Put a run before its payment by hand, its data saying that all is approved; the number of the step."""
    forged = {"action": {"id": str(action or uuid4())} | PAID, "by": "eve"}
    by_sql(stack, role, "UPDATE run_data SET data = data || %s::jsonb WHERE run_id = %s", canonical(forged), run_id)
    seq = int(stack.run(run_id)["step_seq"]) + 1
    by_sql(
        stack,
        role,
        """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at, intent_at)
           VALUES (%s, %s, 0, 'PAYING', 'step', 'payout.PAYING', 'INTENT', '{}', app_now(), app_now())""",
        run_id,
        seq,
    )
    by_sql(
        stack,
        role,
        """UPDATE runs SET state = 'PAYING', status = 'READY', step_seq = %s, attempt = 1, ready_at = app_now(),
               routes = '{}', waiting_reason = NULL WHERE id = %s""",
        seq,
        run_id,
    )
    return seq


def as_the_worker(stack: Stack, run_id: UUID) -> None:
    """Moves the run to its payment, as if it had been reviewed."""
    enter_paying(stack, run_id, "worker")


def as_the_web(stack: Stack, run_id: UUID) -> None:
    """The same by the role that may write people's answers."""
    enter_paying(stack, run_id, "web")


def with_a_forged_intent(stack: Stack, run_id: UUID) -> None:
    """Leaves an open payment behind, without an action, as if a worker had died right after sending it."""
    seq = int(stack.run(run_id)["step_seq"]) + 1
    sent = canonical({"claim": "CLM-1", "purpose": "payment"} | PAID)
    by_sql(
        stack,
        "worker",
        """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, input_hash, idempotency_key,
               key_valid_until, created_at, intent_at)
           VALUES (%s, %s, 1, 'PAYING', 'tool', 'payments.pay', 'INTENT', %s::jsonb, %s, %s, app_now() + interval '1 day', app_now(),
               app_now())""",
        run_id,
        seq,
        sent,
        digest(sent),
        ids.idempotency_key(run_id, seq, 1, 0),
    )
    enter_paying(stack, run_id, "worker")


def with_an_approval_of_something_else(stack: Stack, run_id: UUID) -> None:
    """Has another amount approved, and then says in the run's data that it was this one."""
    web = stack.web(PAYOUT)
    (task,) = stack.all("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    complete(web, task["id"], by="ada", outcome="pay", answer={"amount": "250.00"})
    stack.until_status(run_id, "WAITING_FOR_HUMAN")
    (action,) = stack.all("SELECT id FROM actions WHERE run_id = %s", run_id)
    enter_paying(stack, run_id, "worker", action["id"])


FORGERIES = [as_the_worker, as_the_web, with_a_forged_intent, with_an_approval_of_something_else]


@pytest.fixture
def office(make_stack: MakeStack) -> Stack:
    """Two workers, and people who may review and sign."""
    stack = make_stack("payouts:PAYOUT")
    stack.workers(2)
    stack.enrol("ada", "adjuster")
    stack.enrol("noor", "operator")
    return stack


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_settlement_without_a_matching_approval_is_executed_by_no_path(
    office: Stack, forge: Callable[[Stack, UUID], None]
) -> None:
    run_id = office.start(PAYOUT, "S-1")
    office.until_status(run_id, "WAITING_FOR_HUMAN")
    try_what_people_can(office, run_id)
    forge(office, run_id)
    row = office.wait(lambda: _stopped(office, run_id), "the payment to be refused")
    assert "refused by the ledger of actions: no live approval" in row["waiting_reason"]
    operate.redrive(office.web(PAYOUT), run_id, actor="person:noor", reason="once more")
    office.wait(lambda: _stopped(office, run_id, after=row["transition_seq"]), "the payment to be refused again")
    assert office.payments.rows("SELECT * FROM payments") == []
    assert office.payments.rows("SELECT * FROM requests") == [], "it was not even asked"
    try_what_people_can(office, run_id)
    assert office.payments.rows("SELECT * FROM requests") == []


def _stopped(stack: Stack, run_id: UUID, after: int = 0) -> Any:
    row = stack.run(run_id)
    assert row["status"] != "COMPLETE", "the run went past the ledger to its end"
    return row if row["status"] == "DEAD_LETTER" and row["transition_seq"] > after else None


def try_what_people_can(stack: Stack, run_id: UUID) -> None:
    """Every verb there is for an operator, and every name a signal can have: refused, or without a payment."""
    web = stack.web(PAYOUT)
    for verb in (operate.retry, operate.resume):
        with pytest.raises(LonghaulError):
            verb(web, run_id, actor="person:noor", reason="pay now")
    for name in ("pay", "enough", "approved", "answered", "PAYING"):
        signal(web, run_id, name, {"outcome": "pay"}, signal_id=name, actor="person:noor")
    for task in stack.all("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id):
        with pytest.raises(LonghaulError):
            complete(web, task["id"], by="noor", outcome="pay", answer={})


def paid_once(stack: Stack) -> UUID:
    """A run that was approved and has paid."""
    run_id = stack.start(PAYOUT, "S-1")
    stack.until_status(run_id, "WAITING_FOR_HUMAN")
    (task,) = stack.all("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    complete(stack.web(PAYOUT), task["id"], by="ada", outcome="pay", answer={})
    stack.until_complete(run_id)
    return run_id


def again_in_the_same_run(stack: Stack, paid: UUID) -> UUID:
    """Enters the payment anew, under the approval that was used."""
    (action,) = stack.all("SELECT id FROM actions WHERE run_id = %s", paid)
    by_sql(stack, "worker", "UPDATE runs SET finished_at = NULL WHERE id = %s", paid)
    enter_paying(stack, paid, "worker", action["id"])
    return paid


def in_another_run_of_the_claim(stack: Stack, paid: UUID) -> UUID:
    """Uses the approval of the first run in a second one."""
    (action,) = stack.all("SELECT id FROM actions WHERE run_id = %s", paid)
    second = stack.start(PAYOUT, "S-2")
    stack.until_status(second, "WAITING_FOR_HUMAN")
    enter_paying(stack, second, "worker", action["id"])
    return second


@pytest.mark.parametrize("again", [again_in_the_same_run, in_another_run_of_the_claim])
def test_what_was_paid_is_not_paid_again_under_its_approval(
    office: Stack, again: Callable[[Stack, UUID], UUID]
) -> None:
    run_id = again(office, paid_once(office))
    office.wait(lambda: _stopped(office, run_id), "the second payment to be refused")
    assert len(office.payments.rows("SELECT * FROM payments")) == 1


def test_a_copy_of_the_journal_returns_the_payment_and_does_not_repeat_it(office: Stack) -> None:
    paid = paid_once(office)
    copy = office.start(PAYOUT, "S-2")
    office.until_status(copy, "WAITING_FOR_HUMAN")
    (call,) = office.all("SELECT * FROM checkpoints WHERE run_id = %s AND kind = 'tool'", paid)
    seq = int(office.run(copy)["step_seq"]) + 1
    by_sql(
        office,
        "worker",
        """INSERT INTO checkpoints SELECT (jsonb_populate_record(c, jsonb_build_object('run_id', %s::text, 'step_seq', %s::int))).*
           FROM checkpoints c WHERE run_id = %s AND kind = 'tool'""",
        copy,
        seq,
        paid,
    )
    enter_paying(office, copy, "worker", call["action_id"])
    office.until_complete(copy)
    assert len(office.payments.rows("SELECT * FROM payments")) == 1
    assert len(office.payments.rows("SELECT * FROM requests")) == 1
    (action,) = office.all("SELECT * FROM actions")
    assert action["run_id"] == paid
