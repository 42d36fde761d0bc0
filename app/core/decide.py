"""decide(run, happened) -> Transition: the one place where it is decided how a run moves.

The law: pure, total over the table, and a function of the run's row alone. Whoever writes the transition guards on
every column read here (`app.store.runs.moves`), so a row that changed meanwhile is decided anew, never overwritten.
An accepted cancel is never lost: while no irreversible intent stands, every move of the run ends it CANCELLED.
Raises IllegalTransition for a pair that the table does not list, Refused for a cancel that comes too late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.core.errors import IllegalTransition, Refused
from app.core.lifecycle import ENDED, PAST_A_CANCEL, EventKind, Status, allowed
from app.core.run import Event, Route, Run, Transition

_ISOLATED = "isolated"
Decider = Callable[[Run, Event], Transition]


def decide(run: Run, happened: Event) -> Transition:
    """The move that `happened` makes `run` take."""
    if not allowed(run.status, happened.kind):
        raise IllegalTransition(f"{happened.kind.value}: impossible while the run is {run.status.value}")
    move = _DECIDERS[happened.kind](run, happened)
    if run.cancel_requested and not run.irreversible and happened.kind not in PAST_A_CANCEL:
        move = _cancelled(run, move)
    if move.status not in allowed(run.status, happened.kind):  # a fault of this file, never of the caller
        raise IllegalTransition(f"{happened.kind.value} may not lead from {run.status.value} to {move.status.value}")
    return move


def may_cancel(run: Run) -> None:
    """Raises Refused if an irreversible intent stands, or the run has ended."""
    if run.status in ENDED:
        raise Refused(f"too late to cancel: the run has ended as {run.status.value}")
    if run.irreversible:
        raise Refused("too late to cancel: an irreversible action was begun; ask for its reversal instead")


def _same(run: Run, happened: Event, status: Status, *, completes_step: bool = False) -> Transition:
    """Stay in the state, with another status; what a row holds for a wait is cleared."""
    return Transition(
        event=happened.kind,
        actor=happened.actor,
        reason=happened.reason,
        state=run.state,
        status=status,
        step_seq=run.step_seq,
        queue=run.queue,
        attempt=run.attempt,
        crash_attempts=run.crash_attempts,
        late_retries=run.late_retries,
        routes={},
        pending_events=run.pending_events,
        pause_requested=run.pause_requested,
        completes_step=completes_step,
        cause=happened.cause,
    )


def _ready(run: Run, move: Transition) -> Transition:
    """A run that becomes READY is PAUSED instead, if that was asked for meanwhile."""
    if run.pause_requested:
        return replace(move, status=Status.PAUSED, pause_requested=False, waiting_reason="paused by an operator")
    return move if move.status is Status.READY else replace(move, status=Status.READY)


def _cancelled(run: Run, move: Transition) -> Transition:
    """The run ends where it stands: what the move says of the step that is done is kept, what it was to lead to is not."""
    return replace(
        move,
        status=Status.CANCELLED,
        state=run.state,
        step_seq=run.step_seq,
        queue=run.queue,
        attempt=run.attempt if move.enters else move.attempt,
        late_retries=run.late_retries,
        enters=False,
        pending_events=run.pending_events,
        consumes=None,
        children_left=0,
        closes_tasks=True,
        routes={},
        waiting_reason=None,
        wake_in=None,
        expires_in=None,
        reason=f"{move.reason}; cancelled as asked" if move.reason else "cancelled as asked",
    )


def _enter(run: Run, move: Transition, route: Route) -> Transition:
    """Enter the state at the end of a route; the counts of the attempt begin anew."""
    return replace(
        move,
        state=route["state"],
        queue=route["queue"],
        step_seq=run.step_seq + 1,
        attempt=1,
        crash_attempts=0,
        late_retries=0,
        enters=True,
    )


def _route(run: Run, happened: Event, outcome: str) -> Route:
    routes = happened.routes or run.routes
    if outcome not in routes:
        known = ", ".join(sorted(routes)) or "none"
        raise Refused(f"{outcome!r} is no outcome of {run.state}; choose one of: {known}")
    return routes[outcome]


def _lease(run: Run, happened: Event) -> Transition:
    """What `app.store.runs.steps.lease` writes in one statement, for who has no database (`longhaul.testing`) and the tests."""
    return replace(_same(run, happened, Status.RUNNING), crash_attempts=run.crash_attempts + 1)


def _hand_back(run: Run, happened: Event) -> Transition:
    return _ready(run, replace(_same(run, happened, Status.READY), crash_attempts=0))


def _finish(run: Run, happened: Event) -> Transition:
    route = _route(run, happened, happened.outcome or "")
    move = _same(run, happened, Status.READY, completes_step=True)
    if "ends" in route:
        raise IllegalTransition(f"{happened.outcome!r} leads to an ending; that is the event 'ended'")
    return _ready(run, _enter(run, move, route))


def _end(run: Run, happened: Event) -> Transition:
    route = _route(run, happened, happened.outcome or "")
    return replace(
        _same(run, happened, Status(route["ends"])),
        crash_attempts=0,
        state=route["state"],
        completes_step=True,
        closes_tasks=True,
    )


def _wait(status: Status) -> Decider:
    def waits(run: Run, happened: Event) -> Transition:
        move = replace(
            _same(run, happened, status),
            crash_attempts=0,
            completes_step=True,
            routes=happened.routes,
            waiting_reason=happened.waiting_reason,
            wake_in=happened.wake_in,
            expires_in=happened.expires_in,
            children_left=happened.children,
        )
        if status is Status.WAITING_FOR_EVENT and (name := _pending(run, happened)):
            return _wake(run, replace(move, wake_in=None, expires_in=None), happened.routes[name], name)
        if status is Status.WAITING_FOR_CHILDREN and not happened.children:
            return _wake(run, replace(move, expires_in=None), happened.routes["ended"], None)
        return move

    return waits


def _pending(run: Run, happened: Event) -> str | None:
    """The first signal a wait names that is already there."""
    return next((name for name in run.pending_events if name in happened.routes), None)


def _wake(run: Run, move: Transition, route: Route, consumes: str | None) -> Transition:
    pending = tuple(name for name in run.pending_events if name != consumes)
    woken = replace(move, routes={}, pending_events=pending, consumes=consumes, waiting_reason=None)
    return _ready(run, _enter(run, woken, route))


def _answered(run: Run, happened: Event) -> Transition:
    """An answer leads on by its route; a verdict on an unknown outcome stays in the step, whose keys derive from it."""
    route = _route(run, happened, happened.outcome or "")
    move = replace(_same(run, happened, Status.READY), closes_tasks=True)
    return _ready(run, move) if route.get("stays") else _wake(run, move, route, None)


def _suspended(run: Run, happened: Event) -> Transition:
    """The step keeps its place: its signal, or the end of its patience, leads back into it."""
    move = replace(
        _same(run, happened, Status.WAITING_FOR_EVENT),
        crash_attempts=0,
        routes=happened.routes,
        waiting_reason=happened.waiting_reason,
        expires_in=happened.expires_in,
    )
    if name := _pending(run, happened):
        return _resume(run, replace(move, waiting_reason=None, expires_in=None), name)
    return move


def _resume(run: Run, move: Transition, consumes: str | None) -> Transition:
    """Back into the same step; the signals it waited for are its own from here on."""
    pending = tuple(name for name in run.pending_events if name != consumes)
    return _ready(run, replace(move, routes={}, pending_events=pending, consumes=consumes))


def _signalled(run: Run, happened: Event) -> Transition:
    name = next((name for name in run.pending_events if name in run.routes), None)
    if name is None:
        raise Refused(f"{run.state} waits for none of the pending signals")
    move = _same(run, happened, Status.READY)
    return _resume(run, move, name) if run.routes[name].get("stays") else _wake(run, move, run.routes[name], name)


def _timer_due(run: Run, happened: Event) -> Transition:
    """A timer of its own leads on; the backoff of a failed attempt leads back into the same step."""
    if "due" in run.routes:
        return _wake(run, _same(run, happened, Status.READY), run.routes["due"], None)
    return _ready(run, _same(run, happened, Status.READY))


def _expired(run: Run, happened: Event) -> Transition:
    route, move = _route(run, happened, "expired"), replace(_same(run, happened, Status.READY), closes_tasks=True)
    return _resume(run, move, None) if route.get("stays") else _wake(run, move, route, None)


def _children_ended(run: Run, happened: Event) -> Transition:
    return _wake(run, _same(run, happened, Status.READY), _route(run, happened, "ended"), None)


def _park(spends_attempt: bool) -> Decider:
    def parks(run: Run, happened: Event) -> Transition:
        return replace(
            _same(run, happened, Status.WAITING_FOR_TIMER),
            attempt=run.attempt + 1 if spends_attempt else run.attempt,
            crash_attempts=0,
            wake_in=happened.wake_in,
            waiting_reason=happened.waiting_reason or happened.reason,
        )

    return parks


def _stop(status: Status) -> Decider:
    def stops(run: Run, happened: Event) -> Transition:
        return replace(
            _same(run, happened, status),
            waiting_reason=happened.reason,
            wake_in=happened.wake_in,
            crash_attempts=0,
        )

    return stops


def _needs_person(run: Run, happened: Event) -> Transition:
    return replace(
        _same(run, happened, Status.WAITING_FOR_HUMAN),
        routes=happened.routes,
        waiting_reason=happened.waiting_reason or happened.reason,
        crash_attempts=0,
    )


def _lost(run: Run, happened: Event) -> Transition:
    """Only a crash alone in its process counts; the count was raised when the lease was taken."""
    counts = happened.alone and not happened.planned
    return replace(
        _same(run, happened, Status.SUSPECTED_DEAD),
        crash_attempts=run.crash_attempts if counts else max(0, run.crash_attempts - 1),
    )


def _reassigned(run: Run, happened: Event) -> Transition:
    move = _same(run, happened, Status.READY)
    if happened.isolate:
        move = replace(move, queue=f"{_ISOLATED}.{run.queue.split('.', 1)[1]}")
    return _ready(run, move)


def _by_operator(run: Run, happened: Event) -> Transition:
    """Retry and redrive run the same step again with fresh counts; what it had done is kept."""
    late = (
        run.late_retries + 1
        if happened.kind is EventKind.RETRIED and happened.actor.startswith("sweep:")
        else run.late_retries
    )
    move = replace(
        _same(run, happened, Status.READY), attempt=1, crash_attempts=0, late_retries=late, closes_tasks=True
    )
    return _ready(run, move)


def _failed_by_operator(run: Run, happened: Event) -> Transition:
    return replace(_same(run, happened, Status.FAILED), closes_tasks=True)


def _paused(run: Run, happened: Event) -> Transition:
    return replace(_same(run, happened, Status.PAUSED), waiting_reason=happened.reason or "paused by an operator")


def _resumed(run: Run, happened: Event) -> Transition:
    return replace(_same(run, happened, Status.READY), pause_requested=False)


def _cancel(run: Run, happened: Event) -> Transition:
    may_cancel(run)
    return replace(_cancelled(run, _same(run, happened, Status.CANCELLED)), reason=happened.reason or "cancelled")


_DECIDERS: dict[EventKind, Decider] = {
    EventKind.LEASE_TAKEN: _lease,
    EventKind.HANDED_BACK: _hand_back,
    EventKind.STEP_FINISHED: _finish,
    EventKind.ENDED: _end,
    EventKind.WAITS_FOR_HUMAN: _wait(Status.WAITING_FOR_HUMAN),
    EventKind.WAITS_FOR_EVENT: _wait(Status.WAITING_FOR_EVENT),
    EventKind.WAITS_FOR_TIMER: _wait(Status.WAITING_FOR_TIMER),
    EventKind.WAITS_FOR_CHILDREN: _wait(Status.WAITING_FOR_CHILDREN),
    EventKind.ANSWERED: _answered,
    EventKind.SIGNALLED: _signalled,
    EventKind.TIMER_DUE: _timer_due,
    EventKind.CHILDREN_ENDED: _children_ended,
    EventKind.EXPIRED: _expired,
    EventKind.SUSPENDED: _suspended,
    EventKind.FAILED_ATTEMPT: _park(spends_attempt=True),
    EventKind.THROTTLED: _park(spends_attempt=False),
    EventKind.TOO_EARLY: _park(spends_attempt=False),
    EventKind.EXHAUSTED: _stop(Status.FAILED_RETRIABLE),
    EventKind.UNRECOVERABLE: _stop(Status.DEAD_LETTER),
    EventKind.CRASHED_OUT: _stop(Status.DEAD_LETTER),
    EventKind.NEEDS_PERSON: _needs_person,
    EventKind.LOST: _lost,
    EventKind.REASSIGNED: _reassigned,
    EventKind.RETRIED: _by_operator,
    EventKind.REDRIVEN: _by_operator,
    EventKind.FAILED_BY_OPERATOR: _failed_by_operator,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.CANCELLED: _cancel,
}
