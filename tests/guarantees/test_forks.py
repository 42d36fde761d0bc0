"""A fork takes over what was done and nothing that was allowed: it repeats no finished call, and pays nothing a second time.

Real workers; forks are made by the web's role, as from the run's page; what was paid is counted in the payments service's
own file.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from app.core.canonical import canonical
from app.core.errors import LonghaulError, Refused
from app.engine.control.fork import fork
from app.humans.complete import complete
from app.store.database import connect
from app.store.records.verify import verify
from tests.support.claims import Office
from tests.support.payouts import PAYOUT
from tests.support.stack import MakeStack, Stack
from workflows import WORKFLOWS

pytestmark = pytest.mark.guarantee
WHY: dict[str, Any] = {"actor": "person:noor", "reason": "look at it again"}


def paid(stack: Stack) -> int:
    return len(stack.payments.rows("SELECT * FROM payments"))


def open_task(stack: Stack, run_id: UUID) -> UUID:
    stack.until_status(run_id, "WAITING_FOR_HUMAN")
    (task,) = stack.all("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
    found: UUID = task["id"]
    return found


def holds(stack: Stack, run_id: UUID) -> None:
    with connect(stack.database_url, "owner") as db, db.transaction():
        verdict = verify(db, run_id)
    assert verdict.holds, verdict.broken


def test_a_fork_of_a_paid_run_cannot_pay_again_whatever_it_is_made_from(make_stack: MakeStack) -> None:
    stack = make_stack("payouts:PAYOUT")
    stack.workers(2)
    stack.enrol("ada", "adjuster")
    web = stack.web(PAYOUT)
    run_id = stack.start(PAYOUT, "S-1")
    complete(web, open_task(stack, run_id), by="ada", outcome="pay", answer={})
    stack.until_complete(run_id)
    assert paid(stack) == 1
    for step in (2, 3):
        with pytest.raises(Refused, match=r"rests on the approval .* fork from step 1 \(REVIEWING\)"):
            fork(web, run_id, step, **WHY)
    made = fork(web, run_id, 1, **WHY)
    task = open_task(stack, made.run_id)
    with pytest.raises(LonghaulError, match=r"stands already as (EXECUTED|CONFIRMED)"):
        complete(web, task, by="ada", outcome="pay", answer={})
    # Somebody with the worker's login writes into its data that it was approved: of the other run it was.
    (action,) = stack.all("SELECT id FROM actions")
    forged = {"action": {"id": str(action["id"]), "payee": "Ada Ferncastle", "amount": "100.00", "currency": "USD"}}
    with connect(stack.database_url, "worker") as db:
        db.execute("UPDATE run_data SET data = data || %s::jsonb WHERE run_id = %s", [canonical(forged), made.run_id])
        db.execute(
            """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at, intent_at)
               VALUES (%s, 2, 0, 'PAYING', 'step', 'payout.PAYING', 'INTENT', '{}', app_now(), app_now())""",
            [made.run_id],
        )
        db.execute(
            """UPDATE runs SET state = 'PAYING', status = 'READY', step_seq = 2, attempt = 1, ready_at = app_now(), routes = '{}',
                   waiting_reason = NULL WHERE id = %s""",
            [made.run_id],
        )
    dead = stack.until_status(made.run_id, "DEAD_LETTER")
    assert f"was allowed to the run {run_id} alone" in dead["waiting_reason"]
    assert paid(stack) == 1 and len(stack.payments.rows("SELECT * FROM requests")) == 1


def test_a_fork_of_a_claim_goes_on_with_what_was_read_and_ends_where_it_would_pay_twice(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        run_id = office.submit(sample.folder, sample.key)
        first = office.task(run_id)
        office.settle(run_id)
        stack.until_complete(run_id)
        (step,) = stack.all(
            "SELECT step_seq FROM checkpoints WHERE run_id = %s AND call_seq = 0 AND step_name = 'ASSESSING'", run_id
        )
        made_by_it = "SELECT 1 FROM checkpoints WHERE run_id = %s AND step_seq = %s AND call_seq > 0"
        calls = len(stack.all(made_by_it, run_id, step["step_seq"]))
        letters = stack.all("SELECT count(*) AS n FROM checkpoints WHERE name LIKE 'letters.send%'")
        made = fork(stack.web(*WORKFLOWS), run_id, step["step_seq"], **WHY)
        assert made.copied == calls > 0
        second = office.task(made.run_id)
        assert (second.note, second.defaults, second.evidence) == (
            first.note,
            first.defaults,
            first.evidence,
        )
        with pytest.raises(Refused, match="stands already"):
            office.settle(made.run_id)
        assert stack.payments_of(made.run_id) == 0 and paid(stack) == 1
        assert stack.all("SELECT count(*) AS n FROM checkpoints WHERE name LIKE 'letters.send%'") == letters
        documents = "SELECT sha256, filename FROM documents WHERE run_id = %s ORDER BY 1, 2"
        assert stack.all(documents, made.run_id) == stack.all(documents, run_id)
        for each in (run_id, made.run_id):
            holds(stack, each)
        task = stack.all("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", made.run_id)
        assert len(task) == 1, "the refused answer left the task as it was"
