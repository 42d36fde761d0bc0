"""Plans do not depend on statistics: the journal finds each row by its key, a sweep by its partial index.

A prepared statement's plan is made once per connection, on a fresh installation for tables that are empty or of a page.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

from app.core.lifecycle import EventKind, Status
from app.core.run import Run, Transition
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.engine.runtime import Registry
from app.engine.start import start
from app.engine.step.step import run_step
from app.store.database import Connection, Database, connect
from app.store.human_tasks import sla
from app.store.journal import pipeline
from app.store.journal.grouped import GroupedJournal
from app.store.reads import facts, run_facts
from app.store.records import alerts, retention
from app.store.runs import budgets, conversations, downstreams, intents, moves, steps
from app.store.runs.conversations import Kept
from app.store.runs.moves import Beside, Statement
from app.store.workers import due, workers
from tests.support.journey import travel
from tests.support.plans import BIG, Query, fill, indexes, plans, whole_tables
from tests.support.small_workflows import TWO, Tally
from tests.support.waiting import wait_for

ID = uuid.UUID(int=5)
PLACE = steps.Place(run_id=ID, step_seq=1, call_seq=1, token=ID, attempt=1)
CALL: dict[str, Any] = {"step_name": "S", "kind": CheckpointKind.TOOL, "name": "t", "input_text": "{}"}
RUN = Run(
    id=ID, workflow="w", workflow_version=1, subject="S-1", state="S", status=Status.RUNNING, step_seq=1, queue="q"
)
LEASE = moves.NextLease(ID, ID, 1.0, b"head")
EVERYTHING = Beside(output="{}", data="{}", error="{}", task="{}", dead_letter="{}", alert="{}", names="[]")

TOKENS = budgets.Reservation(ID, 1)

# Every statement of a module, by the function that makes it.
OF_INTENTS: dict[str, Sequence[Statement]] = {
    "intent": [
        intents.intent(PLACE, **CALL),
        intents.intent(PLACE, **CALL, action=ID),
        intents.intent(PLACE, **CALL, reserves=TOKENS),
    ],
    "reopen": [
        intents.reopen(PLACE, action=None),
        intents.reopen(PLACE, action=ID),
        intents.reopen(PLACE, action=None, reserves=TOKENS),
    ],
    "redirect": [
        intents.redirect(PLACE, input_text="{}", model="m", note="{}"),
        intents.redirect(PLACE, input_text="{}", model="m", note="{}", reserves=TOKENS),
    ],
    "date_intent": [intents.date_intent(PLACE)],
}
OF_STEPS: dict[str, Sequence[Statement]] = {
    "lease": steps.lease(ID, 1, token=ID, worker=ID, timeout_seconds=1.0),
    "leased": steps.leased(ID, 1, ID),
    "result": [
        steps.result(PLACE, status=CheckpointStatus.COMPLETE, output="{}"),
        steps.result(PLACE, status=CheckpointStatus.FAILED, error="{}"),
    ],
    "stands_no_longer": [steps.stands_no_longer(PLACE)],
    "call": [steps.call(PLACE)],
}


def _to(**also: Any) -> Transition:
    return Transition(
        event=EventKind.STEP_FINISHED,
        actor="x",
        reason="r",
        state="S",
        status=Status.READY,
        step_seq=2,
        queue="q",
        attempt=1,
        crash_attempts=0,
        late_retries=0,
        routes={},
        pending_events=(),
        pause_requested=False,
        **also,
    )


OF_MOVES: dict[str, Sequence[Statement]] = {
    "move": [
        moves.move(RUN, _to()),
        moves.move(RUN, _to(enters=True, completes_step=True), beside=Beside(output="{}")),
        moves.move(RUN, _to(enters=True, consumes="news")),
        moves.move(RUN, _to(closes_tasks=True)),
        moves.move(RUN, _to(), beside=Beside(error="{}")),
        moves.move(RUN, _to(), beside=Beside(error="{}", step_failed=True, task="{}", alert="{}")),
        moves.move(RUN, _to(enters=True, completes_step=True, consumes="news", closes_tasks=True), beside=EVERYTHING),
        moves.move(RUN, _to(enters=True, completes_step=True), beside=Beside(output="{}", data="{}"), lease=LEASE),
    ],
    "was_mine": [moves.was_mine(RUN, EVERYTHING)],
}
OF_CONVERSATIONS: dict[str, Sequence[Statement]] = {
    "keep": [conversations.keep(PLACE, Kept("0" * 64, "{}"), "{}")],
}
OF_LIMITS: dict[str, Sequence[Statement]] = {
    "settle": [budgets.settle(PLACE, root=ID, reserved=1, tokens_in=1, tokens_out=1, cost=None)],
    "unmeasured": [budgets.unmeasured(PLACE, root=ID)],
    "give_back": [downstreams.give_back(PLACE)],
}
BY_KEY = {
    "permits_pkey",
    "workers_pkey",
    "runs_pkey",
    "corrected_data_pkey",
    "checkpoints_pkey",
    "transition_rows_pkey",
    "signals_pkey",
    "signals_pending",
    "messages_pkey",
    "human_tasks_run",
    "alerts_run",
    "dead_letters_run",
    "dead_letters_open",
}


def test_every_statement_of_the_hot_path_is_looked_at() -> None:
    looks = (
        ((intents,), OF_INTENTS),
        ((steps,), OF_STEPS),
        ((moves,), OF_MOVES),
        ((conversations,), OF_CONVERSATIONS),
        ((budgets, downstreams), OF_LIMITS),
    )
    for modules, looked_at in looks:
        own = [f for m in modules for _, f in inspect.getmembers(m, inspect.isfunction) if f.__module__ == m.__name__]
        made = {f.__name__ for f in own if "Statement" in str(inspect.signature(f).return_annotation)}
        assert made == set(looked_at)


def _states_of_a_database(url: str) -> Iterator[str]:
    """From a fresh one to one of years, each time as the planner knows it before and after a look at it."""
    with psycopg.connect(url, autocommit=True) as db:
        yield "fresh"
        db.execute("ANALYZE")
        yield "empty and analyzed"
        fill(db, 60)
        db.execute("ANALYZE")
        yield "of a page and analyzed"
        fill(db, 20_000, beyond=60)
        yield "large"
        db.execute("ANALYZE")
        yield "large and analyzed"


def test_the_journal_finds_every_row_by_its_key_whatever_the_planner_believes(database_url: str) -> None:
    wrong = []
    for state in _states_of_a_database(database_url):
        with connect(database_url, "worker", options=pipeline.OPTIONS) as db:
            for name, statements in (OF_INTENTS | OF_STEPS | OF_MOVES | OF_CONVERSATIONS | OF_LIMITS).items():
                for n, statement in enumerate(statements):
                    _, plan = next(plans(db, statement))  # the generic one: the journal has no other
                    if whole_tables(plan) or not indexes(plan) <= BY_KEY:
                        wrong.append(f"{state}: {name} {n}: {whole_tables(plan)} {indexes(plan)}")
    assert not wrong, "\n".join(wrong)


SUSPICION = run_facts.Suspicion(
    rules=("a",), human_wait_seconds=60, times_expected=3, times_budget=2, recent_seconds=60
)

# What each look of a sweep is found by; that an index of what is ready or in work is read whole is as it should be.
SWEEPS: dict[str, tuple[Callable[[Connection], Any], set[str]]] = {
    "timers": (lambda db: due.timers(db, 10), {"runs_due"}),
    "missed signals": (lambda db: due.missed_signals(db, 10), {"signals_pending", "runs_pkey"}),
    "ready": (lambda db: due.ready(db, ["q", "r"], older_seconds=1.0, limit=5), {"runs_ready"}),
    "ready queues": (due.ready_queues, {"runs_ready"}),
    "leased by": (lambda db: due.leased_by(db, ID, 5), {"runs_leased"}),
    "count leased by": (lambda db: due.count_leased_by(db, ID), {"runs_leased"}),
    "past deadline": (lambda db: due.past_deadline(db, grace_seconds=1.0, limit=5), {"runs_leased"}),
    "suspected": (lambda db: due.suspected(db, 5), {"runs_leased"}),
    "owned": (lambda db: workers.owned(db, ID), {"runs_leased"}),
    "gone with leases": (workers.gone_with_leases, {"runs_leased"}),
    "leave": (lambda db: workers.leave(db, ID), {"runs_leased"}),
    "engine": (facts.engine, {"dead_letters_created", "runs_ready"}),
    "tell": (lambda db: sla.tell(db, actor="x", escalate_to=["y", "z"], limit=5), {"human_tasks_sla"}),
    "overdue": (sla.overdue, {"human_tasks_sla"}),
    "return claims": (lambda db: sla.return_claims(db, lease_seconds=1.0, actor="x", limit=5), {"human_tasks_claimed"}),
    "in work": (lambda db: run_facts.in_work(db, SUSPICION, 5), {"runs_leased", "human_tasks_open", "runs_ready"}),
    "standing alerts": (lambda db: alerts.standing_after(db, ("a",), ("a", "x"), 5), {"alerts_open"}),
    "their runs": (lambda db: run_facts.not_ended(db, [ID]), {"runs_pkey"}),
    "old keys": (lambda db: retention.forget_keys(db, age_seconds=60.0, limit=5), {"idempotency_keys_created"}),
    "gone workers": (lambda db: retention.forget_workers(db, age_seconds=60.0, limit=5), {"runs_leased"}),
    "slice": (lambda db: run_facts.slice_after(db, SUSPICION, ID, 2_000), {"runs_pkey"}),
}


def test_a_sweep_costs_what_it_finds_and_not_what_there_is(database_url: str, asked: list[Query]) -> None:
    wrong = []
    for state in _states_of_a_database(database_url):
        if not state.startswith("large"):
            continue
        with connect(database_url, "worker") as db:
            for name, (look, needed) in SWEEPS.items():
                asked.clear()
                look(db)
                found = [(kind, plan) for query in list(asked) for kind, plan in plans(db, query)]
                used = {index.strip("()") for _, plan in found for index in indexes(plan)}
                whole = {f"{kind}: {table}" for kind, plan in found for table in whole_tables(plan)}
                if whole or not needed <= used:
                    wrong.append(f"{state}: {name} reads {whole} and uses {used}, not {needed}")
    assert not wrong, "\n".join(wrong)


def test_a_worker_at_work_reads_no_table_from_end_to_end(database_url: str) -> None:
    with travel(database_url) as journey:
        journey.rt.workflows = Registry((TWO,))
        journey.rt.journal.close()
        journey.rt.journal = GroupedJournal(Database(database_url, "worker"))
        begin: Callable[[Connection, int], Any] = lambda db, n: start(  # noqa: E731
            db, TWO, subject=f"P-{n}", data=Tally(), key=None, actor="test"
        )
        ids = [journey.rt.database.transact(lambda db, n=n: begin(db, n)).run_id for n in range(60)]  # type: ignore[misc]
        journey.tamper("ANALYZE")  # as autovacuum would, now that there is a page of runs
        before = _reads(journey.rows)
        for run_id in ids:
            for step_seq, state in enumerate(("FIRST", "SECOND"), start=1):
                run_step(journey.rt, run_id, step_seq, workflow="two", state=state)
        journey.rt.journal.close()
        after = wait_for(
            lambda: r if (r := _reads(journey.rows))["runs"][1] >= before["runs"][1] + 4 * len(ids) else None,
            "the counts of what was read",
        )
        ends = {journey.run(run_id)["status"] for run_id in ids}
    assert ends == {"COMPLETE"}
    assert {t: whole for t, (whole, _) in after.items()} == {t: whole for t, (whole, _) in before.items()}


def _reads(rows: Callable[..., list[dict[str, Any]]]) -> dict[str, tuple[int, int]]:
    """How often each table was read from end to end, and by an index."""
    found = rows(
        "SELECT relname, seq_scan, coalesce(idx_scan, 0) AS idx_scan FROM pg_stat_user_tables WHERE relname = ANY (%s)",
        list(BIG),
    )
    return {row["relname"]: (row["seq_scan"], row["idx_scan"]) for row in found}
