"""An accepted cancel is never lost: whatever happens to the run next, and wherever it stood."""

from __future__ import annotations

from itertools import product

import pytest

from app.core.decide import decide
from app.core.errors import Refused
from app.core.lifecycle import ENDED, TABLE, EventKind, Status
from app.core.run import Event, Route, Run, Transition
from tests.core.test_lifecycle import ROUTES, a_run, an_event

E, S = EventKind, Status
BACK: Route = {"state": "HERE", "queue": "steps.w.v1", "stays": "yes"}

# Where each pair of the table ends when nothing was asked of the run, in full. `READY` is where a pause may stand instead.
ENDS = {
    (S.READY, E.LEASE_TAKEN): S.RUNNING,
    (S.READY, E.PAUSED): S.PAUSED,
    (S.RUNNING, E.HANDED_BACK): S.READY,
    (S.RUNNING, E.STEP_FINISHED): S.READY,
    (S.RUNNING, E.ENDED): S.COMPLETE,
    (S.RUNNING, E.WAITS_FOR_HUMAN): S.WAITING_FOR_HUMAN,
    (S.RUNNING, E.WAITS_FOR_EVENT): S.WAITING_FOR_EVENT,
    (S.RUNNING, E.WAITS_FOR_TIMER): S.WAITING_FOR_TIMER,
    (S.RUNNING, E.WAITS_FOR_CHILDREN): S.WAITING_FOR_CHILDREN,
    (S.RUNNING, E.SUSPENDED): S.WAITING_FOR_EVENT,
    (S.RUNNING, E.FAILED_ATTEMPT): S.WAITING_FOR_TIMER,
    (S.RUNNING, E.THROTTLED): S.WAITING_FOR_TIMER,
    (S.RUNNING, E.TOO_EARLY): S.WAITING_FOR_TIMER,
    (S.RUNNING, E.EXHAUSTED): S.FAILED_RETRIABLE,
    (S.RUNNING, E.NEEDS_PERSON): S.WAITING_FOR_HUMAN,
    (S.RUNNING, E.UNRECOVERABLE): S.DEAD_LETTER,
    (S.RUNNING, E.LOST): S.SUSPECTED_DEAD,
    (S.SUSPECTED_DEAD, E.REASSIGNED): S.READY,
    (S.SUSPECTED_DEAD, E.CRASHED_OUT): S.DEAD_LETTER,
    (S.WAITING_FOR_HUMAN, E.ANSWERED): S.READY,
    (S.WAITING_FOR_HUMAN, E.EXPIRED): S.READY,
    (S.WAITING_FOR_EVENT, E.SIGNALLED): S.READY,
    (S.WAITING_FOR_EVENT, E.EXPIRED): S.READY,
    (S.WAITING_FOR_TIMER, E.TIMER_DUE): S.READY,
    (S.WAITING_FOR_CHILDREN, E.CHILDREN_ENDED): S.READY,
    (S.WAITING_FOR_CHILDREN, E.EXPIRED): S.READY,
    (S.FAILED_RETRIABLE, E.RETRIED): S.READY,
    (S.FAILED_RETRIABLE, E.FAILED_BY_OPERATOR): S.FAILED,
    (S.DEAD_LETTER, E.REDRIVEN): S.READY,
    (S.DEAD_LETTER, E.FAILED_BY_OPERATOR): S.FAILED,
    (S.PAUSED, E.RESUMED): S.READY,
} | {(status, E.CANCELLED): S.CANCELLED for status in S if status not in ENDED | {S.RUNNING}}
PASSES = {E.LEASE_TAKEN, E.LOST}  # a worker takes the run, or is lost with it: neither is a step boundary


def expected(status: Status, event: EventKind, *, pause: bool, cancel: bool, irreversible: bool) -> Status | None:
    """Where a pair ends; None where it is refused."""
    if event is E.CANCELLED and irreversible:
        return None
    plain = ENDS[status, event]
    if cancel and not irreversible and event not in PASSES:
        return S.CANCELLED
    return S.PAUSED if pause and plain is S.READY and event is not E.RESUMED else plain


def test_the_pairs_of_this_page_are_those_of_the_table() -> None:
    assert set(ENDS) == set(TABLE)


@pytest.mark.parametrize(("status", "event"), sorted(ENDS), ids=lambda each: each.name)
def test_every_move_of_the_table_ends_where_what_was_asked_of_the_run_says(status: Status, event: EventKind) -> None:
    for pause, cancel, irreversible in product((False, True), repeat=3):
        run = a_run(
            status,
            pause_requested=pause,
            cancel_requested=cancel,
            irreversible=irreversible,
            pending_events=("paper",) if event is E.SIGNALLED else (),
        )
        wanted = expected(status, event, pause=pause, cancel=cancel, irreversible=irreversible)
        if wanted is None:
            with pytest.raises(Refused, match="too late"):
                decide(run, an_event(event))
            continue
        move = decide(run, an_event(event))
        assert move.status is wanted, (pause, cancel, irreversible)
        if wanted is S.PAUSED and event is not E.PAUSED:
            assert not move.pause_requested, "the pause has come about"
        if wanted is S.CANCELLED:
            _ends_where_it_stood(run, move)


def _ends_where_it_stood(run: Run, move: Transition) -> None:
    """A cancelled run leaves its step, its queue and its pending signals as they were, and nothing to wake it."""
    assert (move.state, move.step_seq, move.queue, move.enters) == (run.state, run.step_seq, run.queue, False)
    assert (move.pending_events, move.consumes, move.late_retries) == (run.pending_events, None, run.late_retries)
    assert (move.routes, move.waiting_reason, move.children_left) == ({}, None, 0)
    assert (move.wake_in, move.expires_in, move.closes_tasks) == (None, None, True)
    assert move.event is E.CANCELLED or move.reason.endswith("cancelled as asked")


def test_a_cancelled_move_counts_the_attempt_as_the_history_does() -> None:
    asked = a_run(S.RUNNING, cancel_requested=True, attempt=2)
    assert decide(asked, an_event(E.STEP_FINISHED)).attempt == 2, "no state was entered"
    assert decide(asked, an_event(E.FAILED_ATTEMPT)).attempt == 3
    assert decide(a_run(S.DEAD_LETTER, cancel_requested=True), an_event(E.REDRIVEN)).attempt == 1


@pytest.mark.parametrize("event", [E.WAITS_FOR_EVENT, E.SUSPENDED])
def test_a_signal_that_is_there_already_does_not_carry_a_run_past_its_cancel(event: EventKind) -> None:
    run = a_run(S.RUNNING, cancel_requested=True, pending_events=("other", "paper"))
    move = decide(run, Event(kind=event, actor="w", routes=ROUTES, waiting_reason="paper", expires_in=9.0))
    assert move.status is S.CANCELLED
    _ends_where_it_stood(run, move)


@pytest.mark.parametrize("ways", ["on", "back"])
@pytest.mark.parametrize(
    ("status", "event", "outcome"),
    [
        (S.WAITING_FOR_HUMAN, E.ANSWERED, "done"),
        (S.WAITING_FOR_EVENT, E.SIGNALLED, None),
        (S.WAITING_FOR_EVENT, E.EXPIRED, "expired"),
    ],
)
def test_what_wakes_a_run_does_not_carry_it_past_its_cancel(
    status: Status, event: EventKind, outcome: str | None, ways: str
) -> None:
    routes = ROUTES if ways == "on" else dict.fromkeys(ROUTES, BACK)
    run = a_run(status, cancel_requested=True, routes=routes, pending_events=("paper",))
    move = decide(run, Event(kind=event, actor="p", outcome=outcome))
    assert move.status is S.CANCELLED
    _ends_where_it_stood(run, move)


def test_a_fan_out_of_nobody_does_not_carry_a_run_past_its_cancel() -> None:
    none = Event(kind=E.WAITS_FOR_CHILDREN, actor="w", routes=ROUTES, children=0)
    assert decide(a_run(S.RUNNING, cancel_requested=True), none).status is S.CANCELLED
    assert decide(a_run(S.RUNNING), none).status is S.READY
