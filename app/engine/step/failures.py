"""What an exception of a step's work means for its run.

The law: every exception has exactly one row here. One nobody declared is transient (it may be a passing fault): it is
tried again, then shown to an operator, never swallowed.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from app.core.canonical import canonical
from app.core.errors import (
    ApprovalMissing,
    BudgetReached,
    NeedsPerson,
    NotCanonical,
    NotDone,
    OutcomeUnknown,
    Suspended,
    Throttled,
    Unrecoverable,
    misfits,
)
from app.core.lifecycle import Event, Status
from app.core.run import Happened, Run
from app.core.workflow import State, Workflow
from app.engine.calls.effects import Effects
from app.engine.runtime import Runtime
from app.engine.step import persons
from app.store.database import DatabaseError
from app.store.runs.moves import Beside
from app.store.runs.steps import Checkpoint

RETRY_AFTER_SECONDS = 30.0  # when a throttled downstream does not say how long
_UNSTORABLE = ("22P02", "22P05", "54000", "54001")  # what Postgres says of a payload it cannot hold


def failed(
    rt: Runtime,
    workflow: Workflow,
    state: State,
    run: Run,
    journal: Sequence[Checkpoint],
    problem: Exception,
    now: datetime,
    effects: Effects,
) -> tuple[Happened, Beside]:
    """What an exception of the work means for the run. `effects`: of the calls its attempt made or found."""
    actor, said, open_calls = rt.actor, _said(problem), list(effects.open.values())
    error = canonical({"error": said, "attempt": run.attempt, "where": _where(problem), "at": now})
    match problem:
        case Suspended():
            stay = {"state": run.state, "queue": run.queue, "stays": "yes"}
            routes = {problem.event: stay} | ({} if problem.expires_seconds is None else {"expired": stay})
            return Happened(
                event=Event.SUSPENDED,
                actor=actor,
                reason=problem.reason,
                waiting_reason=problem.reason,
                routes=routes,
                expires_in=problem.expires_seconds,
            ), Beside()
        case NeedsPerson():
            done = [row for row in journal[1:] if row.status == "COMPLETE" and effects.is_effect(row)]
            routes = persons.doubt_routes(workflow, state, done)
            happened = Happened(
                event=Event.NEEDS_PERSON,
                actor=actor,
                reason=problem.unsure,
                waiting_reason=f"unsure: {problem.unsure}",
                routes=routes,
            )
            return happened, Beside(error=error, step_failed=True, task=persons.doubt(state, problem, routes, done))
        case BudgetReached():
            happened = Happened(
                event=Event.NEEDS_PERSON,
                actor=actor,
                reason=said,
                waiting_reason=f"token budget reached: {problem}",
                routes=persons.budget_routes(run),
            )
            return happened, Beside(error=error, task=persons.budget(run, problem))
        case ApprovalMissing():
            happened = Happened(
                event=Event.NEEDS_PERSON,
                actor=actor,
                reason=said,
                routes=persons.approval_routes(run),
                waiting_reason=f"needs another approval: {problem}",
            )
            return happened, Beside(error=error, task=persons.approval(run, problem))
        case OutcomeUnknown() if problem.retry_in_seconds is not None and not _given_up(state, journal, now):
            return Happened(event=Event.TOO_EARLY, actor=actor, reason=said, wake_in=problem.retry_in_seconds), Beside(
                error=error
            )
        case OutcomeUnknown():
            call = next((row for row in journal if row.call_seq == problem.call_seq), None)
            task = persons.unknown(
                state,
                problem,
                call.name if call else "a call",
                call.key if call else None,
                call.input if call else None,
            )
            happened = Happened(
                event=Event.NEEDS_PERSON,
                actor=actor,
                reason=said,
                routes=persons.unknown_routes(run),
                waiting_reason=f"unknown outcome of call {problem.call_seq}",
            )
            return happened, Beside(error=error, task=task)
        case Throttled() if not _given_up(state, journal, now):
            asked = problem.retry_after_seconds or RETRY_AFTER_SECONDS * (0.5 + rt.draw())
            wake_in = min(asked, _patience_left(state, journal, now))
            happened = Happened(
                event=Event.THROTTLED, actor=actor, reason=said, wake_in=wake_in, waiting_reason=str(problem)[:2000]
            )
            return happened, Beside(error=error)
        case Unrecoverable() | ValidationError() | NotCanonical():
            return Happened(event=Event.UNRECOVERABLE, actor=actor, reason=said), stopped(
                run, Status.DEAD_LETTER, said, error, open_calls
            )
        case NotDone() if not problem.retry:
            return Happened(event=Event.UNRECOVERABLE, actor=actor, reason=said), stopped(
                run, Status.DEAD_LETTER, said, error, open_calls
            )
        case DatabaseError() if problem.sqlstate in _UNSTORABLE:
            return Happened(event=Event.UNRECOVERABLE, actor=actor, reason=said), stopped(
                run, Status.DEAD_LETTER, said, error, open_calls
            )
    delay = state.retry.delay_seconds(run.attempt, rt.draw)
    if delay is None or isinstance(problem, Throttled):
        late = rt.settings.late_retry_seconds if run.late_retries < rt.settings.late_retries else None
        return (
            Happened(event=Event.EXHAUSTED, actor=actor, reason=said, wake_in=late),
            stopped(run, Status.FAILED_RETRIABLE, said, error, open_calls),
        )
    reason = f"try {run.attempt} of {state.retry.attempts} failed: {said}"
    return Happened(event=Event.FAILED_ATTEMPT, actor=actor, reason=reason, wake_in=delay), Beside(error=error)


def stopped(run: Run, status: Status, reason: str, error: str | None, open_calls: Sequence[str] = ()) -> Beside:
    """What is opened with a stop: alert and triage task in the same commit, and the dead letter's row.

    open_calls: the names of calls of which nobody knows whether they had their effect.
    """
    dead = status is Status.DEAD_LETTER
    return Beside(
        error=error,
        task=persons.triage(run, status, reason, open_calls),
        alert=persons.alert(status.value.lower(), run, f"{run.subject} stopped in {run.state}: {reason}", reason),
        dead_letter=persons.dead_letter(run, reason) if dead else None,
    )


def _said(problem: Exception) -> str:
    """What went wrong in one line: a person reads it in a task and in `explain`."""
    if isinstance(problem, ValidationError):
        return f"{type(problem).__name__}: {problem.title}: {misfits(problem, what='all of it')}"[:2000]
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:2000]


def _where(problem: BaseException) -> str:
    """The last few frames, enough to find the line."""
    return "".join(traceback.format_tb(problem.__traceback__)[-3:])[-1500:]


def _given_up(state: State, journal: Sequence[Checkpoint], now: datetime) -> bool:
    """Whether parking without spending attempts has lasted longer than the step's `give_up` age."""
    return _patience_left(state, journal, now) <= 0


def _patience_left(state: State, journal: Sequence[Checkpoint], now: datetime) -> float:
    """Seconds until the step's `give_up` age, at which it is tried once more: a downstream may ask for a year."""
    since = _parked_since(journal)
    parked = 0.0 if since is None else (now - since).total_seconds()
    return state.retry.give_up_seconds - parked


def _parked_since(journal: Sequence[Checkpoint]) -> datetime | None:
    """Since when the step gets no further: its open call's intent, or the first time it was sent away before there was one."""
    if open_calls := [row for row in journal[1:] if row.status != "COMPLETE" and row.kind != "wait"]:
        return open_calls[0].created_at
    last_begun = max((row.intent_at for row in journal[1:] if row.intent_at is not None), default=None)
    times = [at for error in journal[0].errors if (at := _parked_at(error)) is not None]
    return min((at for at in times if last_begun is None or at > last_begun), default=None)


def _parked_at(error: object) -> datetime | None:
    """When an error of a step's row sent it away; None for one of another kind."""
    if not isinstance(error, dict) or not str(error.get("error", "")).startswith(Throttled.__name__):
        return None
    at = error.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None
