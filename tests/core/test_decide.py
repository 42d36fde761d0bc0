"""What each event makes of a run, written out whole: every column that a move writes, for every pair of the lifecycle.

The expected moves are told by what they change: `stays` leaves the run in its state with nothing of a wait on it,
`enters` goes into the next. Nothing else may differ, so a column that a move forgets, or touches, is seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.core import decide as decide_module
from app.core import lifecycle
from app.core.decide import decide, may_cancel
from app.core.errors import IllegalTransition, Refused
from app.core.lifecycle import ENDED, STOPPED, WAITING, EventKind, Status, allowed
from app.core.run import Event, Run, Transition

S, E = Status, EventKind
NEXT = {"state": "NEXT", "queue": "steps.w.v2"}
BACK = {"state": "HERE", "queue": "documents.w.v2", "stays": "yes"}
ROUTES = dict.fromkeys(("done", "paper", "due", "expired", "ended"), NEXT) | {
    "finished": {"state": "OVER", "ends": "COMPLETE"},
    "given up": {"state": "REFUSED", "ends": "FAILED"},
}
STAYING = dict.fromkeys(("done", "paper", "expired"), BACK)
CAUSE = {"event": "something"}
PENDING = ("other", "paper", "other")
PAUSE, CANCEL = {"pause_requested": True}, {"cancel_requested": True}
TOO_LATE = {"cancel_requested": True, "irreversible": True}


def a_run(status: Status, **more: Any) -> Run:
    values = {
        "id": UUID(int=1),
        "workflow": "w",
        "workflow_version": 2,
        "subject": "s",
        "state": "HERE",
        "status": status,
        "step_seq": 3,
        "queue": "documents.w.v2",
        "attempt": 2,
        "crash_attempts": 1,
        "late_retries": 1,
        "routes": ROUTES,
        "pending_events": ("other",),
        "waiting_reason": "something old",
        "children_left": 5,
        "transition_seq": 9,
    }
    return Run(**{**values, **more})


def happened(event: EventKind, **more: Any) -> Event:
    return Event(**{"kind": event, "actor": "worker:1", "reason": "because", "cause": CAUSE, **more})


def stays(event: EventKind, status: Status, **more: Any) -> Transition:
    values = {
        "event": event,
        "actor": "worker:1",
        "reason": "because",
        "state": "HERE",
        "status": status,
        "step_seq": 3,
        "queue": "documents.w.v2",
        "attempt": 2,
        "crash_attempts": 1,
        "late_retries": 1,
        "routes": {},
        "pending_events": ("other",),
        "pause_requested": False,
        "waiting_reason": None,
        "wake_in": None,
        "expires_in": None,
        "children_left": 0,
        "enters": False,
        "completes_step": False,
        "consumes": None,
        "closes_tasks": False,
        "cause": CAUSE,
    }
    return Transition(**{**values, **more})


def enters(event: EventKind, status: Status, **more: Any) -> Transition:
    fresh = {
        "state": "NEXT",
        "queue": "steps.w.v2",
        "step_seq": 4,
        "attempt": 1,
        "crash_attempts": 0,
        "late_retries": 0,
        "enters": True,
    }
    return stays(event, status, **{**fresh, **more})


def paused(move: Transition) -> Transition:
    """The same move of a run that was asked to pause: PAUSED in place of READY, and the wish is fulfilled."""
    return replace(move, status=S.PAUSED, waiting_reason="paused by an operator")


def cancelled(event: EventKind, **more: Any) -> Transition:
    """A cancel that was asked for meanwhile: the run ends where it stands, and whoever was asked is asked no more."""
    return stays(event, S.CANCELLED, **{"closes_tasks": True, "reason": "because; cancelled as asked", **more})


WAIT = {"routes": ROUTES, "waiting_reason": "for news", "wake_in": 5.0, "expires_in": 60.0}
WAITS = {
    "routes": ROUTES,
    "waiting_reason": "for news",
    "wake_in": 5.0,
    "expires_in": 60.0,
    "crash_attempts": 0,
    "completes_step": True,
}
SUSPENDED = {"routes": STAYING, "waiting_reason": "for news", "expires_in": 60.0}
PARK = {"wake_in": 5.0, "waiting_reason": "busy"}
DONE = {"outcome": "done", "routes": ROUTES}

Case = tuple[str, Run, Event, Transition]


def cases(name: str, status: Status, what: Event, expected: Transition, **run: Any) -> list[Case]:
    """What happens to a run that nothing was asked of, and to one that was asked to cancel when it is too late: the same."""
    return [
        (name, a_run(status, **run), what, expected),
        (f"{name}, cancel too late", a_run(status, **run, **TOO_LATE), what, expected),
    ]


def asked(name: str, status: Status, what: Event, ready: Transition, gone: Transition, **run: Any) -> list[Case]:
    """A move that leads to READY, and what becomes of it when a pause or a cancel was asked for meanwhile."""
    return [
        *cases(name, status, what, ready, **run),
        (f"{name}, to pause", a_run(status, **run, **PAUSE), what, paused(ready)),
        (f"{name}, to cancel", a_run(status, **run, **CANCEL), what, gone),
    ]


TABLE: list[Case] = [
    # A lease raises the crash count, which an orderly end of the attempt clears. Flags are looked at where the step ends.
    *cases("lease", S.READY, happened(E.LEASE_TAKEN), stays(E.LEASE_TAKEN, S.RUNNING, crash_attempts=2)),
    (
        "lease, to pause",
        a_run(S.READY, **PAUSE),
        happened(E.LEASE_TAKEN),
        stays(E.LEASE_TAKEN, S.RUNNING, crash_attempts=2, pause_requested=True),
    ),
    *asked(
        "handed back",
        S.RUNNING,
        happened(E.HANDED_BACK),
        stays(E.HANDED_BACK, S.READY, crash_attempts=0),
        cancelled(E.HANDED_BACK, crash_attempts=0),
    ),
    *asked(
        "finished",
        S.RUNNING,
        happened(E.STEP_FINISHED, **DONE),
        enters(E.STEP_FINISHED, S.READY, completes_step=True),
        cancelled(E.STEP_FINISHED, crash_attempts=0, completes_step=True),
        routes={},
    ),
    *(
        (
            "ended, to cancel",
            a_run(S.RUNNING, **CANCEL, routes={}),
            happened(E.ENDED, outcome=outcome, routes=ROUTES),
            cancelled(E.ENDED, crash_attempts=0, completes_step=True),
        )
        for outcome in ("finished", "given up")
    ),
    *(
        (f"{event.value}, to cancel", a_run(status, **CANCEL), happened(event), cancelled(event, crash_attempts=0))
        for event, status in ((E.UNRECOVERABLE, S.RUNNING), (E.CRASHED_OUT, S.SUSPECTED_DEAD))
    ),
    *cases(
        "ended",
        S.RUNNING,
        happened(E.ENDED, outcome="finished", routes=ROUTES),
        stays(E.ENDED, S.COMPLETE, state="OVER", crash_attempts=0, completes_step=True, closes_tasks=True),
        routes={},
    ),
    *cases(
        "ended in failure",
        S.RUNNING,
        happened(E.ENDED, outcome="given up", routes=ROUTES),
        stays(E.ENDED, S.FAILED, state="REFUSED", crash_attempts=0, completes_step=True, closes_tasks=True),
        routes={},
    ),
    # A wait leaves on the row what is needed to wake it. A pause does not touch it: the run pauses when it would become READY.
    *(
        case
        for event, status in (
            (E.WAITS_FOR_HUMAN, S.WAITING_FOR_HUMAN),
            (E.WAITS_FOR_EVENT, S.WAITING_FOR_EVENT),
            (E.WAITS_FOR_TIMER, S.WAITING_FOR_TIMER),
        )
        for case in (
            *cases(event.value, S.RUNNING, happened(event, **WAIT), stays(event, status, **WAITS)),
            (
                f"{event.value}, to pause",
                a_run(S.RUNNING, **PAUSE),
                happened(event, **WAIT),
                stays(event, status, **WAITS, pause_requested=True),
            ),
            (
                f"{event.value}, to cancel",
                a_run(S.RUNNING, **CANCEL),
                happened(event, **WAIT),
                cancelled(event, crash_attempts=0, completes_step=True),
            ),
        )
    ),
    *cases(
        "children",
        S.RUNNING,
        happened(E.WAITS_FOR_CHILDREN, **WAIT, children=2),
        stays(E.WAITS_FOR_CHILDREN, S.WAITING_FOR_CHILDREN, **WAITS, children_left=2),
    ),
    (
        "a person's wait hears no signal",
        a_run(S.RUNNING, pending_events=PENDING),
        happened(E.WAITS_FOR_HUMAN, **WAIT),
        stays(E.WAITS_FOR_HUMAN, S.WAITING_FOR_HUMAN, **WAITS, pending_events=PENDING),
    ),
    # What a wait asks for may be there already: it is consumed, and only it.
    *asked(
        "waits for what is there",
        S.RUNNING,
        happened(E.WAITS_FOR_EVENT, **WAIT),
        enters(E.WAITS_FOR_EVENT, S.READY, completes_step=True, consumes="paper", pending_events=("other", "other")),
        cancelled(E.WAITS_FOR_EVENT, crash_attempts=0, completes_step=True, pending_events=PENDING),
        pending_events=PENDING,
    ),
    *asked(
        "no children",
        S.RUNNING,
        happened(E.WAITS_FOR_CHILDREN, routes=ROUTES, waiting_reason="for news", expires_in=60.0),
        enters(E.WAITS_FOR_CHILDREN, S.READY, completes_step=True),
        cancelled(E.WAITS_FOR_CHILDREN, crash_attempts=0, completes_step=True),
    ),
    # A suspended step keeps its place: neither its attempt nor its checkpoint ends.
    *cases(
        "suspended",
        S.RUNNING,
        happened(E.SUSPENDED, **SUSPENDED),
        stays(E.SUSPENDED, S.WAITING_FOR_EVENT, **SUSPENDED, crash_attempts=0),
    ),
    (
        "suspended, to cancel",
        a_run(S.RUNNING, **CANCEL),
        happened(E.SUSPENDED, **SUSPENDED),
        cancelled(E.SUSPENDED, crash_attempts=0),
    ),
    *asked(
        "suspended for what is there",
        S.RUNNING,
        happened(E.SUSPENDED, **SUSPENDED),
        stays(E.SUSPENDED, S.READY, crash_attempts=0, consumes="paper", pending_events=("other", "other")),
        cancelled(E.SUSPENDED, crash_attempts=0, pending_events=PENDING),
        pending_events=PENDING,
    ),
    # An answer leads on by its route, or back into the step that asked; who is asked no more has no open task.
    *asked(
        "answered",
        S.WAITING_FOR_HUMAN,
        happened(E.ANSWERED, outcome="done"),
        enters(E.ANSWERED, S.READY, closes_tasks=True),
        cancelled(E.ANSWERED, crash_attempts=0),
    ),
    *asked(
        "a verdict",
        S.WAITING_FOR_HUMAN,
        happened(E.ANSWERED, outcome="done"),
        stays(E.ANSWERED, S.READY, closes_tasks=True),
        cancelled(E.ANSWERED),
        routes=STAYING,
    ),
    *asked(
        "signalled",
        S.WAITING_FOR_EVENT,
        happened(E.SIGNALLED),
        enters(E.SIGNALLED, S.READY, consumes="paper", pending_events=("other", "other")),
        cancelled(E.SIGNALLED, crash_attempts=0, pending_events=PENDING),
        pending_events=PENDING,
    ),
    *asked(
        "signalled while suspended",
        S.WAITING_FOR_EVENT,
        happened(E.SIGNALLED),
        stays(E.SIGNALLED, S.READY, consumes="paper", pending_events=("other", "other")),
        cancelled(E.SIGNALLED, pending_events=PENDING),
        pending_events=PENDING,
        routes=STAYING,
    ),
    *asked(
        "timer due",
        S.WAITING_FOR_TIMER,
        happened(E.TIMER_DUE),
        enters(E.TIMER_DUE, S.READY),
        cancelled(E.TIMER_DUE, crash_attempts=0),
    ),
    *asked(
        "backoff over",
        S.WAITING_FOR_TIMER,
        happened(E.TIMER_DUE),
        stays(E.TIMER_DUE, S.READY),
        cancelled(E.TIMER_DUE),
        routes={},
    ),
    *(
        case
        for status in (S.WAITING_FOR_HUMAN, S.WAITING_FOR_EVENT, S.WAITING_FOR_CHILDREN)
        for case in asked(
            f"expired {status.value}",
            status,
            happened(E.EXPIRED),
            enters(E.EXPIRED, S.READY, closes_tasks=True),
            cancelled(E.EXPIRED, crash_attempts=0),
        )
    ),
    *asked(
        "patience at its end",
        S.WAITING_FOR_EVENT,
        happened(E.EXPIRED),
        stays(E.EXPIRED, S.READY, closes_tasks=True),
        cancelled(E.EXPIRED),
        routes=STAYING,
    ),
    *asked(
        "children ended",
        S.WAITING_FOR_CHILDREN,
        happened(E.CHILDREN_ENDED),
        enters(E.CHILDREN_ENDED, S.READY),
        cancelled(E.CHILDREN_ENDED, crash_attempts=0),
    ),
    # Only a failed attempt spends an attempt.
    *(
        case
        for event, attempt in ((E.FAILED_ATTEMPT, 3), (E.THROTTLED, 2), (E.TOO_EARLY, 2))
        for case in (
            *cases(
                event.value,
                S.RUNNING,
                happened(event, **PARK),
                stays(event, S.WAITING_FOR_TIMER, **PARK, attempt=attempt, crash_attempts=0),
            ),
            (
                f"{event.value}, to pause",
                a_run(S.RUNNING, **PAUSE),
                happened(event, wake_in=5.0),
                stays(
                    event,
                    S.WAITING_FOR_TIMER,
                    attempt=attempt,
                    crash_attempts=0,
                    wake_in=5.0,
                    waiting_reason="because",
                    pause_requested=True,
                ),
            ),
            (
                f"{event.value}, to cancel",
                a_run(S.RUNNING, **CANCEL),
                happened(event, **PARK),
                cancelled(event, attempt=attempt, crash_attempts=0),
            ),
        )
    ),
    *cases(
        "exhausted",
        S.RUNNING,
        happened(E.EXHAUSTED, wake_in=5.0),
        stays(E.EXHAUSTED, S.FAILED_RETRIABLE, crash_attempts=0, wake_in=5.0, waiting_reason="because"),
    ),
    (
        "exhausted, to cancel",
        a_run(S.RUNNING, **CANCEL),
        happened(E.EXHAUSTED, wake_in=5.0),
        cancelled(E.EXHAUSTED, crash_attempts=0),
    ),
    *cases(
        "unrecoverable",
        S.RUNNING,
        happened(E.UNRECOVERABLE),
        stays(E.UNRECOVERABLE, S.DEAD_LETTER, crash_attempts=0, waiting_reason="because"),
    ),
    *cases(
        "crashed out",
        S.SUSPECTED_DEAD,
        happened(E.CRASHED_OUT),
        stays(E.CRASHED_OUT, S.DEAD_LETTER, crash_attempts=0, waiting_reason="because"),
    ),
    *cases(
        "needs a person",
        S.RUNNING,
        happened(E.NEEDS_PERSON, routes=STAYING, waiting_reason="unsure"),
        stays(E.NEEDS_PERSON, S.WAITING_FOR_HUMAN, routes=STAYING, crash_attempts=0, waiting_reason="unsure"),
    ),
    (
        "needs a person, unsaid",
        a_run(S.RUNNING),
        happened(E.NEEDS_PERSON, routes=STAYING),
        stays(E.NEEDS_PERSON, S.WAITING_FOR_HUMAN, routes=STAYING, crash_attempts=0, waiting_reason="because"),
    ),
    (
        "needs a person, to cancel",
        a_run(S.RUNNING, **CANCEL),
        happened(E.NEEDS_PERSON, routes=STAYING, waiting_reason="unsure"),
        cancelled(E.NEEDS_PERSON, crash_attempts=0),
    ),
    # A crash counts only if the run was alone in its process and the end was not planned: the lease raised the count.
    *cases("lost in a crowd", S.RUNNING, happened(E.LOST), stays(E.LOST, S.SUSPECTED_DEAD, crash_attempts=0)),
    *cases("lost alone", S.RUNNING, happened(E.LOST, alone=True), stays(E.LOST, S.SUSPECTED_DEAD, crash_attempts=1)),
    *cases(
        "lost alone as planned",
        S.RUNNING,
        happened(E.LOST, alone=True, planned=True),
        stays(E.LOST, S.SUSPECTED_DEAD, crash_attempts=0),
    ),
    (
        "lost, never below none",
        a_run(S.RUNNING, crash_attempts=0),
        happened(E.LOST),
        stays(E.LOST, S.SUSPECTED_DEAD, crash_attempts=0),
    ),
    (
        "lost, twice before",
        a_run(S.RUNNING, crash_attempts=3),
        happened(E.LOST),
        stays(E.LOST, S.SUSPECTED_DEAD, crash_attempts=2),
    ),
    *asked(
        "reassigned", S.SUSPECTED_DEAD, happened(E.REASSIGNED), stays(E.REASSIGNED, S.READY), cancelled(E.REASSIGNED)
    ),
    (
        "reassigned alone",
        a_run(S.SUSPECTED_DEAD),
        happened(E.REASSIGNED, isolate=True),
        stays(E.REASSIGNED, S.READY, queue="isolated.w.v2"),
    ),
    # Retried and redriven: the same step with fresh counts. Only the sweep's own retries count towards their limit.
    *asked(
        "retried",
        S.FAILED_RETRIABLE,
        happened(E.RETRIED),
        stays(E.RETRIED, S.READY, attempt=1, crash_attempts=0, closes_tasks=True),
        cancelled(E.RETRIED, attempt=1, crash_attempts=0),
    ),
    (
        "retried late",
        a_run(S.FAILED_RETRIABLE),
        happened(E.RETRIED, actor="sweep:timers"),
        stays(E.RETRIED, S.READY, actor="sweep:timers", attempt=1, crash_attempts=0, late_retries=2, closes_tasks=True),
    ),
    *asked(
        "redriven",
        S.DEAD_LETTER,
        happened(E.REDRIVEN),
        stays(E.REDRIVEN, S.READY, attempt=1, crash_attempts=0, closes_tasks=True),
        cancelled(E.REDRIVEN, attempt=1, crash_attempts=0),
    ),
    (
        "redriven by a sweep",
        a_run(S.DEAD_LETTER),
        happened(E.REDRIVEN, actor="sweep:some"),
        stays(E.REDRIVEN, S.READY, actor="sweep:some", attempt=1, crash_attempts=0, closes_tasks=True),
    ),
    *(
        case
        for status in (S.FAILED_RETRIABLE, S.DEAD_LETTER)
        for case in cases(
            f"failed {status.value}",
            status,
            happened(E.FAILED_BY_OPERATOR),
            stays(E.FAILED_BY_OPERATOR, S.FAILED, closes_tasks=True),
        )
    ),
    ("paused", a_run(S.READY), happened(E.PAUSED), stays(E.PAUSED, S.PAUSED, waiting_reason="because")),
    (
        "paused, unsaid",
        a_run(S.READY),
        happened(E.PAUSED, reason=""),
        stays(E.PAUSED, S.PAUSED, reason="", waiting_reason="paused by an operator"),
    ),
    ("resumed", a_run(S.PAUSED, **PAUSE), happened(E.RESUMED), stays(E.RESUMED, S.READY)),
    *(
        (f"cancelled {status.value}", a_run(status), happened(E.CANCELLED), cancelled(E.CANCELLED, reason="because"))
        for status in S
        if status not in ENDED | {S.RUNNING}
    ),
    ("cancelled, unsaid", a_run(S.READY), happened(E.CANCELLED, reason=""), cancelled(E.CANCELLED, reason="cancelled")),
    (
        "handed back unsaid, to cancel",
        a_run(S.RUNNING, **CANCEL),
        happened(E.HANDED_BACK, reason=""),
        cancelled(E.HANDED_BACK, reason="cancelled as asked", crash_attempts=0),
    ),
]


@pytest.mark.parametrize(("run", "what", "expected"), [pytest.param(*case[1:], id=case[0]) for case in TABLE])
def test_each_event_makes_of_a_run_what_is_written_here(run: Run, what: Event, expected: Transition) -> None:
    assert decide(run, what) == expected


@pytest.mark.parametrize("status", [S.READY, S.WAITING_FOR_HUMAN, S.PAUSED, S.DEAD_LETTER])
def test_a_cancel_is_refused_once_an_irreversible_intent_stands(status: Status) -> None:
    with pytest.raises(Refused, match="an irreversible action was begun"):
        decide(a_run(status, irreversible=True), happened(E.CANCELLED))


def test_who_may_cancel_is_told_why_not() -> None:
    may_cancel(a_run(S.RUNNING))
    with pytest.raises(Refused, match="an irreversible action was begun"):
        may_cancel(a_run(S.RUNNING, irreversible=True))
    for status in ENDED:
        with pytest.raises(Refused, match=f"the run has ended as {status.value}"):
            may_cancel(a_run(status))


def test_a_step_that_finishes_into_an_ending_is_told_to_end() -> None:
    with pytest.raises(IllegalTransition, match="that is the event 'ended'"):
        decide(a_run(S.RUNNING), happened(E.STEP_FINISHED, outcome="finished", routes=ROUTES))


@pytest.mark.parametrize("event", [E.STEP_FINISHED, E.ENDED])
def test_a_step_without_an_outcome_is_refused_naming_what_it_could_be(event: EventKind) -> None:
    with pytest.raises(Refused, match="'' is no outcome of HERE; choose one of: done"):
        decide(a_run(S.RUNNING), happened(event, routes={"done": NEXT}))
    with pytest.raises(Refused, match="'' is no outcome of HERE; choose one of: none"):
        decide(a_run(S.RUNNING, routes={}), happened(event))


def test_an_answer_without_an_outcome_is_refused_naming_what_it_could_be() -> None:
    with pytest.raises(Refused, match="'' is no outcome of HERE; choose one of: done"):
        decide(a_run(S.WAITING_FOR_HUMAN, routes={"done": NEXT}), happened(E.ANSWERED))


def test_a_step_goes_by_the_routes_it_brings_not_by_those_an_old_wait_left() -> None:
    move = decide(a_run(S.RUNNING, routes={"done": {"state": "OLD", "queue": "q"}}), happened(E.STEP_FINISHED, **DONE))
    assert move.state == "NEXT"


def test_a_signal_that_the_run_does_not_wait_for_wakes_nobody() -> None:
    with pytest.raises(Refused, match="HERE waits for none of the pending signals"):
        decide(a_run(S.WAITING_FOR_EVENT), happened(E.SIGNALLED))


def test_a_decision_that_the_lifecycle_does_not_know_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decide_module._DECIDERS, E.RESUMED, decide_module._DECIDERS[E.PAUSED])
    with pytest.raises(IllegalTransition, match="resumed may not lead from PAUSED to PAUSED"):
        decide(a_run(S.PAUSED), happened(E.RESUMED))


READY_OR_ASKED = {S.READY, S.PAUSED, S.CANCELLED}
LIFECYCLE: dict[Status, dict[EventKind, set[Status]]] = {
    S.READY: {E.LEASE_TAKEN: {S.RUNNING}, E.PAUSED: {S.PAUSED}},
    S.RUNNING: {
        E.HANDED_BACK: READY_OR_ASKED,
        E.STEP_FINISHED: READY_OR_ASKED,
        E.ENDED: {S.COMPLETE, S.FAILED},
        E.WAITS_FOR_HUMAN: {S.WAITING_FOR_HUMAN, S.CANCELLED},
        E.WAITS_FOR_EVENT: {S.WAITING_FOR_EVENT, *READY_OR_ASKED},
        E.WAITS_FOR_TIMER: {S.WAITING_FOR_TIMER, S.CANCELLED},
        E.WAITS_FOR_CHILDREN: {S.WAITING_FOR_CHILDREN, *READY_OR_ASKED},
        E.SUSPENDED: {S.WAITING_FOR_EVENT, *READY_OR_ASKED},
        E.FAILED_ATTEMPT: {S.WAITING_FOR_TIMER, S.CANCELLED},
        E.THROTTLED: {S.WAITING_FOR_TIMER, S.CANCELLED},
        E.TOO_EARLY: {S.WAITING_FOR_TIMER, S.CANCELLED},
        E.EXHAUSTED: {S.FAILED_RETRIABLE, S.CANCELLED},
        E.NEEDS_PERSON: {S.WAITING_FOR_HUMAN, S.CANCELLED},
        E.UNRECOVERABLE: {S.DEAD_LETTER},
        E.LOST: {S.SUSPECTED_DEAD},
    },
    S.SUSPECTED_DEAD: {E.REASSIGNED: READY_OR_ASKED, E.CRASHED_OUT: {S.DEAD_LETTER}},
    S.WAITING_FOR_HUMAN: {E.ANSWERED: READY_OR_ASKED, E.EXPIRED: READY_OR_ASKED},
    S.WAITING_FOR_EVENT: {E.SIGNALLED: READY_OR_ASKED, E.EXPIRED: READY_OR_ASKED},
    S.WAITING_FOR_TIMER: {E.TIMER_DUE: READY_OR_ASKED},
    S.WAITING_FOR_CHILDREN: {E.CHILDREN_ENDED: READY_OR_ASKED, E.EXPIRED: READY_OR_ASKED},
    S.FAILED_RETRIABLE: {E.RETRIED: READY_OR_ASKED, E.FAILED_BY_OPERATOR: {S.FAILED}},
    S.DEAD_LETTER: {E.REDRIVEN: READY_OR_ASKED, E.FAILED_BY_OPERATOR: {S.FAILED}},
    S.PAUSED: {E.RESUMED: {S.READY}},
    S.COMPLETE: {},
    S.FAILED: {},
    S.CANCELLED: {},
}


@pytest.mark.parametrize("status", Status)
def test_a_run_moves_as_the_design_says_and_in_no_other_way(status: Status) -> None:
    ended = {S.COMPLETE, S.FAILED, S.CANCELLED}
    cancel = {} if status in ended | {S.RUNNING} else {E.CANCELLED: {S.CANCELLED}}
    # A cancel that was accepted ends the run at every move but two.
    asked_to = {e: to if e in {E.LEASE_TAKEN, E.LOST} else {*to, S.CANCELLED} for e, to in LIFECYCLE[status].items()}
    expected = asked_to | cancel
    assert {event: set(to) for event in EventKind if (to := allowed(status, event))} == expected


def test_the_words_for_kinds_of_statuses_mean_these() -> None:
    assert {S.COMPLETE, S.FAILED, S.CANCELLED} == ENDED
    assert {S.WAITING_FOR_HUMAN, S.WAITING_FOR_EVENT, S.WAITING_FOR_TIMER, S.WAITING_FOR_CHILDREN} == WAITING
    assert {S.FAILED_RETRIABLE, S.DEAD_LETTER} == STOPPED
    assert {S.WAITING_FOR_HUMAN, S.FAILED_RETRIABLE, S.DEAD_LETTER} == lifecycle.HAS_TASK
    assert {S.FAILED_RETRIABLE, S.DEAD_LETTER, S.PAUSED} == lifecycle.AT_REST
    assert {S.RUNNING, S.SUSPECTED_DEAD} == lifecycle.HELD
    assert {*WAITING, S.FAILED_RETRIABLE} == lifecycle.WAKES
    assert {S.WAITING_FOR_HUMAN, S.WAITING_FOR_EVENT} == lifecycle.WAITS_FOR_OTHERS
    assert {*WAITING, S.RUNNING, S.SUSPECTED_DEAD} == lifecycle.PAUSES_LATER


@pytest.mark.parametrize(
    ("spent", "statuses"),
    [
        ("queue", {S.READY, S.SUSPECTED_DEAD}),
        ("running", {S.RUNNING}),
        ("person", {S.WAITING_FOR_HUMAN}),
        ("signal", {S.WAITING_FOR_EVENT}),
        ("children", {S.WAITING_FOR_CHILDREN}),
        ("backoff", {S.WAITING_FOR_TIMER}),
        ("stopped", {S.FAILED_RETRIABLE, S.DEAD_LETTER, S.PAUSED}),
    ],
)
def test_the_time_in_a_status_counts_as_this(spent: str, statuses: set[Status]) -> None:
    assert {status for status, kind in lifecycle.SPENT_AS.items() if kind.value == spent} == statuses
