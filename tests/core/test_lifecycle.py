"""Every pair of status and event: what the table lists moves, everything else is refused and changes nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.core.decide import decide
from app.core.errors import IllegalTransition, Refused
from app.core.lifecycle import ENDED, STOPPED, TABLE, WAITING, EventKind, Status, allowed
from app.core.run import Event, Run, Transition

ROUTES = {
    "done": {"state": "NEXT", "queue": "steps.w.v1"},
    "end": {"state": "COMPLETE", "ends": "COMPLETE"},
    "due": {"state": "NEXT", "queue": "steps.w.v1"},
    "expired": {"state": "NEXT", "queue": "steps.w.v1"},
    "ended": {"state": "NEXT", "queue": "steps.w.v1"},
    "paper": {"state": "NEXT", "queue": "steps.w.v1"},
}


def a_run(status: Status, **more: object) -> Run:
    values = {
        "id": uuid4(),
        "workflow": "w",
        "workflow_version": 1,
        "subject": "s",
        "state": "HERE",
        "status": status,
        "step_seq": 3,
        "queue": "steps.w.v1",
        "attempt": 2,
        "crash_attempts": 1,
        "routes": ROUTES,
        "transition_seq": 9,
    }
    return Run(**{**values, **more})  # type: ignore[arg-type]


def an_event(event: EventKind) -> Event:
    outcome = {EventKind.ENDED: "end"}.get(event, "done")
    return Event(kind=event, actor="test", reason="because", outcome=outcome, routes=ROUTES, children=1)


@pytest.mark.parametrize("event", EventKind)
@pytest.mark.parametrize("status", Status)
def test_the_table_decides_every_pair_of_status_and_event(status: Status, event: EventKind) -> None:
    pending = ("paper",) if event is EventKind.SIGNALLED else ()
    run = a_run(status, pending_events=pending)
    if not allowed(status, event):
        with pytest.raises(IllegalTransition):
            decide(run, an_event(event))
        return
    move = decide(run, an_event(event))
    assert move.status in allowed(status, event)
    assert move.event is event


@pytest.mark.parametrize("status", sorted(ENDED))
def test_nothing_moves_a_run_that_has_ended(status: Status) -> None:
    assert not any(key[0] is status for key in TABLE)


@pytest.mark.parametrize("status", [s for s in Status if s not in ENDED | {Status.RUNNING}])
def test_every_status_but_the_endings_can_be_cancelled(status: Status) -> None:
    move = decide(a_run(status), an_event(EventKind.CANCELLED))
    assert move.status is Status.CANCELLED
    assert move.closes_tasks


@pytest.mark.parametrize("status", sorted(WAITING | STOPPED | {Status.READY, Status.PAUSED}))
def test_a_cancel_after_an_irreversible_intent_is_too_late(status: Status) -> None:
    with pytest.raises(Refused, match="too late"):
        decide(a_run(status, irreversible=True), an_event(EventKind.CANCELLED))


def test_a_pause_asked_for_meanwhile_stands_in_place_of_ready() -> None:
    move = decide(a_run(Status.RUNNING, pause_requested=True), an_event(EventKind.STEP_FINISHED))
    assert (move.status, move.state, move.step_seq, move.enters) == (Status.PAUSED, "NEXT", 4, True)
    assert not move.pause_requested


def test_a_cancel_asked_for_meanwhile_is_honoured_at_the_step_boundary() -> None:
    move = decide(a_run(Status.RUNNING, cancel_requested=True), an_event(EventKind.STEP_FINISHED))
    assert (move.status, move.state, move.step_seq) == (Status.CANCELLED, "HERE", 3)
    assert not move.enters


def test_a_cancel_asked_for_is_forgotten_once_an_irreversible_intent_stands() -> None:
    run = a_run(Status.RUNNING, cancel_requested=True, irreversible=True)
    assert decide(run, an_event(EventKind.STEP_FINISHED)).status is Status.READY


def test_a_wait_whose_signal_is_already_there_goes_straight_on() -> None:
    run = a_run(Status.RUNNING, pending_events=("other", "paper", "paper"))
    move = decide(run, Event(kind=EventKind.WAITS_FOR_EVENT, actor="w", routes=ROUTES, waiting_reason="paper"))
    assert (move.status, move.state, move.consumes) == (Status.READY, "NEXT", "paper")
    assert move.pending_events == ("other",)
    assert move.waiting_reason is None


BACK = {name: {"state": "HERE", "queue": "steps.w.v1", "stays": "yes"} for name in ("paper", "expired")}


def _suspended(**more: object) -> Transition:
    happened = Event(kind=EventKind.SUSPENDED, actor="w", routes=BACK, waiting_reason="paper", expires_in=60.0)
    return decide(a_run(Status.RUNNING, routes={}, **more), happened)


def test_a_suspended_step_keeps_its_place_its_attempt_and_its_checkpoint() -> None:
    move = _suspended()
    assert (move.status, move.state, move.step_seq, move.attempt) == (Status.WAITING_FOR_EVENT, "HERE", 3, 2)
    assert (move.crash_attempts, move.enters, move.completes_step) == (0, False, False)
    assert (move.routes, move.waiting_reason, move.expires_in) == (BACK, "paper", 60.0)


def test_a_suspended_step_whose_signal_is_already_there_goes_straight_on() -> None:
    move = _suspended(pending_events=("other", "paper"))
    assert (move.status, move.step_seq, move.enters, move.consumes) == (Status.READY, 3, False, "paper")
    assert (move.pending_events, move.routes, move.expires_in) == (("other",), {}, None)


def test_a_suspended_step_goes_on_in_its_place_when_its_signal_comes_or_its_time_is_up() -> None:
    waits = a_run(Status.WAITING_FOR_EVENT, routes=BACK, pending_events=("paper",))
    came = decide(waits, Event(kind=EventKind.SIGNALLED, actor="p"))
    assert (came.status, came.step_seq, came.enters, came.consumes, came.pending_events) == (
        Status.READY,
        3,
        False,
        "paper",
        (),
    )
    late = decide(
        a_run(Status.WAITING_FOR_EVENT, routes=BACK), Event(kind=EventKind.EXPIRED, actor="s", outcome="expired")
    )
    assert (late.status, late.step_seq, late.enters, late.consumes) == (Status.READY, 3, False, None)


def test_a_cancel_asked_for_meanwhile_is_honoured_when_a_step_is_suspended() -> None:
    move = _suspended(cancel_requested=True, pending_events=("paper",))
    assert (move.status, move.consumes, move.expires_in) == (Status.CANCELLED, None, None)


def test_step_seq_grows_only_when_a_state_is_entered() -> None:
    for event in (
        EventKind.FAILED_ATTEMPT,
        EventKind.THROTTLED,
        EventKind.HANDED_BACK,
        EventKind.LOST,
        EventKind.EXHAUSTED,
    ):
        assert decide(a_run(Status.RUNNING), an_event(event)).step_seq == 3
    assert decide(a_run(Status.RUNNING), an_event(EventKind.STEP_FINISHED)).step_seq == 4


def test_only_a_failed_attempt_spends_an_attempt() -> None:
    spent = decide(a_run(Status.RUNNING), an_event(EventKind.FAILED_ATTEMPT))
    assert spent.attempt == 3
    for event in (EventKind.THROTTLED, EventKind.TOO_EARLY, EventKind.HANDED_BACK, EventKind.LOST):
        assert decide(a_run(Status.RUNNING), an_event(event)).attempt == 2


@pytest.mark.parametrize(("alone", "planned", "left"), [(True, False, 1), (False, False, 0), (True, True, 0)])
def test_only_an_unplanned_crash_alone_counts(alone: bool, planned: bool, left: int) -> None:
    lost = Event(kind=EventKind.LOST, actor="sweep", alone=alone, planned=planned)
    assert decide(a_run(Status.RUNNING), lost).crash_attempts == left


def test_an_orderly_end_of_an_attempt_clears_the_crash_count() -> None:
    for event in (
        EventKind.HANDED_BACK,
        EventKind.FAILED_ATTEMPT,
        EventKind.THROTTLED,
        EventKind.STEP_FINISHED,
        EventKind.ENDED,
    ):
        assert decide(a_run(Status.RUNNING), an_event(event)).crash_attempts == 0


def test_a_crashed_crowd_is_rerun_each_in_isolation() -> None:
    move = decide(a_run(Status.SUSPECTED_DEAD), Event(kind=EventKind.REASSIGNED, actor="sweep", isolate=True))
    assert move.queue == "isolated.w.v1"


def test_an_outcome_without_a_route_is_refused_naming_the_routes() -> None:
    with pytest.raises(Refused, match="choose one of: done, due"):
        decide(a_run(Status.WAITING_FOR_HUMAN), Event(kind=EventKind.ANSWERED, actor="p", outcome="dance"))


def test_a_verdict_on_an_unknown_outcome_stays_in_its_step() -> None:
    run = a_run(
        Status.WAITING_FOR_HUMAN, routes={"it_happened": {"state": "HERE", "queue": "steps.w.v1", "stays": "yes"}}
    )
    move = decide(run, Event(kind=EventKind.ANSWERED, actor="p", outcome="it_happened"))
    assert (move.status, move.step_seq, move.enters) == (Status.READY, 3, False)
