"""What an exception of a step's work means for its run: `TABLE`, read from top to bottom; the first row that fits decides.

The law: every exception ends in exactly one event. One nobody declared is transient (it may be a passing fault): it is
tried again, then shown to an operator, never swallowed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run
from app.core.statuses import CheckpointStatus
from app.core.workflow import State, Workflow
from app.engine.calls.effects import Effects
from app.engine.runtime import Runtime
from app.engine.step import persons
from app.engine.step.patience import patience_left
from app.store.database import DatabaseError
from app.store.runs.moves import Beside
from app.store.runs.steps import Checkpoint

RETRY_AFTER_SECONDS = 30.0  # when a throttled downstream does not say how long
_UNSTORABLE = ("22P02", "22P05", "54000", "54001")  # what Postgres says of a payload it cannot hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The attempt that ended with an exception. said: what went wrong, in one line. error: that, as the journal keeps it."""

    rt: Runtime
    workflow: Workflow
    state: State
    run: Run
    journal: Sequence[Checkpoint]
    now: datetime
    effects: Effects
    said: str
    error: str

    def has_patience(self) -> bool:
        """Whether it may still park without spending an attempt."""
        return patience_left(self.state, self.journal, self.now) > 0

    def stopped(self, status: Status) -> Beside:
        """What is opened where the run stops."""
        return stopped(self.run, status, self.said, self.error, list(self.effects.open.values()))


Outcome = tuple[Event, Beside]


def _suspended(of: Attempt, problem: Suspended, happened: Event) -> Outcome:
    stay = {"state": of.run.state, "queue": of.run.queue, "stays": "yes"}
    routes = {problem.signal: stay} | ({} if problem.expires_seconds is None else {"expired": stay})
    waits = replace(
        happened,
        reason=problem.reason,
        waiting_reason=problem.reason,
        routes=routes,
        expires_in=problem.expires_seconds,
    )
    return waits, Beside()


def _in_doubt(of: Attempt, problem: NeedsPerson, happened: Event) -> Outcome:
    done = [row for row in of.journal[1:] if row.status is CheckpointStatus.COMPLETE and of.effects.is_effect(row)]
    routes = persons.doubt_routes(of.workflow, of.state, done)
    asks = replace(happened, reason=problem.unsure, waiting_reason=f"unsure: {problem.unsure}", routes=routes)
    return asks, Beside(error=of.error, step_failed=True, task=persons.doubt(of.state, problem, routes, done))


def _over_budget(of: Attempt, problem: BudgetReached, happened: Event) -> Outcome:
    routes = persons.budget_routes(of.run)
    asks = replace(happened, waiting_reason=f"token budget reached: {problem}", routes=routes)
    return asks, Beside(error=of.error, task=persons.budget(of.run, problem))


def _unapproved(of: Attempt, problem: ApprovalMissing, happened: Event) -> Outcome:
    routes = persons.approval_routes(of.run)
    asks = replace(happened, waiting_reason=f"needs another approval: {problem}", routes=routes)
    return asks, Beside(error=of.error, task=persons.approval(of.run, problem))


def _too_early(of: Attempt, problem: OutcomeUnknown, happened: Event) -> Outcome:
    return replace(happened, wake_in=problem.retry_in_seconds), Beside(error=of.error)


def _unknown(of: Attempt, problem: OutcomeUnknown, happened: Event) -> Outcome:
    call = next((row for row in of.journal if row.call_seq == problem.call_seq), None)
    named = (call.name, call.key, call.input) if call else ("a call", None, None)
    reason = f"unknown outcome of call {problem.call_seq}"
    asks = replace(happened, waiting_reason=reason, routes=persons.unknown_routes(of.run))
    return asks, Beside(error=of.error, task=persons.unknown(of.state, problem, *named))


def _throttled(of: Attempt, problem: Throttled, happened: Event) -> Outcome:
    asked = problem.retry_after_seconds or RETRY_AFTER_SECONDS * (0.5 + of.rt.draw())
    wake_in = min(asked, patience_left(of.state, of.journal, of.now))
    return replace(happened, wake_in=wake_in, waiting_reason=str(problem)[:2000]), Beside(error=of.error)


def _beyond_help(of: Attempt, _: Exception, happened: Event) -> Outcome:
    return happened, of.stopped(Status.DEAD_LETTER)


def _tried_again(of: Attempt, _: Exception, happened: Event) -> Outcome:
    reason = f"try {of.run.attempt} of {of.state.retry.attempts} failed: {of.said}"
    delay = of.state.retry.delay_seconds(of.run.attempt, of.rt.draw)
    return replace(happened, reason=reason, wake_in=delay), Beside(error=of.error)


def _exhausted(of: Attempt, _: Exception, happened: Event) -> Outcome:
    settings = of.rt.settings
    late = settings.late_retry_seconds if of.run.late_retries < settings.late_retries else None
    return replace(happened, wake_in=late), of.stopped(Status.FAILED_RETRIABLE)


def _always(_: Attempt, __: Exception) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Row:
    """An exception, the event it is for the run, and what goes with that. when: what else must be so."""

    of: type[Exception] | tuple[type[Exception], ...]
    event: EventKind
    what: Callable[[Attempt, Any, Event], Outcome]
    when: Callable[[Attempt, Any], bool] = _always


TABLE: tuple[Row, ...] = (
    Row(Suspended, EventKind.SUSPENDED, _suspended),
    Row(NeedsPerson, EventKind.NEEDS_PERSON, _in_doubt),
    Row(BudgetReached, EventKind.NEEDS_PERSON, _over_budget),
    Row(ApprovalMissing, EventKind.NEEDS_PERSON, _unapproved),
    Row(
        OutcomeUnknown,
        EventKind.TOO_EARLY,
        _too_early,
        when=lambda of, problem: problem.retry_in_seconds is not None and of.has_patience(),
    ),
    Row(OutcomeUnknown, EventKind.NEEDS_PERSON, _unknown),
    Row(Throttled, EventKind.THROTTLED, _throttled, when=lambda of, _: of.has_patience()),
    Row(Throttled, EventKind.EXHAUSTED, _exhausted),
    Row((Unrecoverable, ValidationError, NotCanonical), EventKind.UNRECOVERABLE, _beyond_help),
    Row(NotDone, EventKind.UNRECOVERABLE, _beyond_help, when=lambda _, problem: not problem.retry),
    Row(DatabaseError, EventKind.UNRECOVERABLE, _beyond_help, when=lambda _, problem: problem.sqlstate in _UNSTORABLE),
    Row(Exception, EventKind.FAILED_ATTEMPT, _tried_again, when=lambda of, _: of.run.attempt < of.state.retry.attempts),
    Row(Exception, EventKind.EXHAUSTED, _exhausted),
)


def failed(
    rt: Runtime,
    workflow: Workflow,
    state: State,
    run: Run,
    journal: Sequence[Checkpoint],
    problem: Exception,
    now: datetime,
    effects: Effects,
) -> Outcome:
    """What an exception of the work means for the run. `effects`: of the calls its attempt made or found."""
    said = _said(problem)
    attempt = Attempt(
        rt=rt,
        workflow=workflow,
        state=state,
        run=run,
        journal=journal,
        now=now,
        effects=effects,
        said=said,
        error=canonical({"error": said, "attempt": run.attempt, "where": _where(problem), "at": now}),
    )
    row = next(row for row in TABLE if isinstance(problem, row.of) and row.when(attempt, problem))
    return row.what(attempt, problem, Event(kind=row.event, actor=rt.actor, reason=said))


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
