"""One step, start to end: take the lease, run the state's work, settle what came of it.

The law: a message is only a question. Whoever asks is answered by the row: READY at this step, or "somebody else has
it". Whatever the work does (return, raise, hang up the database) ends in exactly one event for `decide`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.canonical import canonical
from app.core.entered import first_entered, since
from app.core.errors import CancelAccepted, LeaseLost, NeedsPerson, OutcomeUnknown, StoreUnavailable
from app.core.ids import new_token
from app.core.lifecycle import EventKind
from app.core.run import Event
from app.core.workflow import State, Workflow
from app.engine.calls.calls import Caller
from app.engine.holdings import Holding
from app.engine.onward import Taken
from app.engine.runtime import Runtime
from app.engine.step import advance, chain, outcomes
from app.engine.step.children import park_with_children
from app.engine.step.context import JournaledStep
from app.engine.step.failures import failed
from app.engine.step.leaving import left_with
from app.store.reads import finding
from app.store.runs import runs, steps
from app.store.runs.moves import Beside
from app.telemetry import logs


def run_step(rt: Runtime, run_id: UUID, step_seq: int, *, workflow: str, state: str) -> str:
    """Answer a doorbell, or go on with what this thread kept. What came of it, for the log.

    The event that moved the run ("step finished"); or why it was not worked on or not moved: "not accepting", "not mine",
    "not my version", "lease lost", "store unavailable".
    """
    kept = rt.onward.take(run_id, step_seq)
    if kept is None and not rt.holdings.may_lease():
        return "not accepting"
    holding = kept.holding if kept else _holding(rt, run_id, step_seq, workflow, state)
    with rt.holdings.hold(holding):
        if holding.lost:
            return _lost(holding, state, "it was taken away before its thread came to it")
        try:
            taken = kept or _take_lease(rt, holding, rt.workflows.patience_seconds(workflow, state))
            return _work(rt, taken) if taken else "not mine"
        except LeaseLost as lost:
            return _lost(holding, state, str(lost))
        except StoreUnavailable as away:
            rt.holdings.give_up(holding)
            logs.event("store_unavailable", run_id=str(run_id), step=state, step_seq=step_seq, reason=str(away))
            return "store unavailable"


def _lost(holding: Holding, state: str, reason: str) -> str:
    logs.event("lease_lost", run_id=str(holding.run_id), step=state, step_seq=holding.step_seq, reason=reason)
    return "lease lost"


def _holding(rt: Runtime, run_id: UUID, step_seq: int, workflow: str, state: str) -> Holding:
    return Holding(run_id, step_seq, new_token(), time.monotonic() + rt.workflows.patience_seconds(workflow, state))


def _take_lease(rt: Runtime, holding: Holding, patience: float) -> Taken | None:
    wanted = steps.lease(
        holding.run_id, holding.step_seq, token=holding.token, worker=rt.worker_id, timeout_seconds=patience
    )
    # While the database was away others may have given us up: what waited longer than we are vouched for is not taken.
    until = min(holding.until, rt.holdings.vouched_until)
    found = rt.journal.write(holding.run_id, wanted, until=until, asynchronous=True)
    if not found[0]:
        again = steps.leased(holding.run_id, holding.step_seq, holding.token)
        found = rt.journal.write(holding.run_id, again, until=until)
    taken = chain.taken_by(holding, *found)
    if taken is not None:
        holding.leased = True
        advance.log_lease(rt, taken)
    return taken


def _work(rt: Runtime, taken: Taken) -> str:
    run, until = taken.run, taken.holding.until
    found = rt.state_of(run.workflow, run.workflow_version, run.state)
    if found is None:
        reason = f"this worker has no {run.workflow} v{run.workflow_version} with a state {run.state}"
        advance.settle(rt, run, Event(kind=EventKind.HANDED_BACK, actor=rt.actor, reason=reason), Beside(), until=until)
        return "not my version"
    workflow, state = found
    started = time.perf_counter()
    step, caller = _context(rt, taken)
    happened, beside, children = _outcome(rt, workflow, state, step, caller, taken, started)
    if children:
        park_with_children(rt, run, happened, beside, children, until=until)
    else:
        chain.finish(rt, taken, happened, beside)
    return happened.kind.value


def _context(rt: Runtime, taken: Taken) -> tuple[JournaledStep, Caller]:
    run, own, calls = taken.run, taken.journal[0], {row.call_seq: row for row in taken.journal[1:]}
    leased, received = time.monotonic(), own.input or {}
    caller = Caller(
        rt,
        taken.holding,
        run_id=run.id,
        step_seq=run.step_seq,
        step_name=run.state,
        attempt=run.attempt,
        recorded=calls,
        now=lambda: taken.at + timedelta(seconds=time.monotonic() - leased),
        since=since(received, run.step_seq),
    )
    entered = first_entered(received)
    now = datetime.fromisoformat(entered["now"]) if "now" in entered else own.created_at
    return JournaledStep(rt, run, caller, now=now, received=received, recorded=max(calls, default=0)), caller


def _outcome(
    rt: Runtime,
    workflow: Workflow,
    state: State,
    step: JournaledStep,
    caller: Caller,
    taken: Taken,
    started: float,
) -> tuple[Event, Beside, Any]:
    """Run the state's work and say what happened, with everything that is to be written beside the move."""
    run, journal = taken.run, taken.journal
    try:
        data = workflow.data.model_validate(runs.restore_text(taken.data))
        known = workflow.names(data) if workflow.names else ()
        done = outcomes.perform(rt, workflow, state, step, run, data)
        step.require_every_call()
        text = canonical(data)
        changed = text if text != taken.data else None  # as it was before the work, which may change what it was given
        beside = Beside(
            output=_output(done.outcome, changed),
            data=changed,
            task=done.task,
            names=_new_names(workflow, known, data),
            latency_ms=(time.perf_counter() - started) * 1000,
        )
        return done.happened, outcomes.bounded(beside), done.children
    except (
        CancelAccepted
    ) as accepted:  # the lease stands: given back at once, the run ends now and not at the next ping
        return Event(kind=EventKind.HANDED_BACK, actor=rt.actor, reason=str(accepted)), Beside(), None
    except (LeaseLost, StoreUnavailable):
        raise
    except Exception as problem:
        problem = left_with(caller, journal[0].input or {}, problem)
        if isinstance(problem, NeedsPerson | OutcomeUnknown):  # a person is told of what this attempt did too
            journal = caller.journal()
        now = taken.at + timedelta(seconds=time.perf_counter() - started)
        return *failed(rt, workflow, state, run, journal, problem, now, caller.effects), None


def _new_names(workflow: Workflow, known: Sequence[tuple[str, str]], data: BaseModel) -> str | None:
    """What the run is to be found by from now on, if this step learned of any; nothing is written otherwise."""
    learned = [name for name in workflow.names(data) if name not in known] if workflow.names else []
    return finding.as_names(learned) if learned else None


def _output(outcome: str | None, data: str | None) -> str:
    """The canonical text of a step's result, around the canonical text of the data it changed."""
    return canonical({"outcome": outcome}) if data is None else f'{{"data":{data},"outcome":{canonical(outcome)}}}'
