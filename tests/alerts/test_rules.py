"""Each alert rule speaks exactly where its condition begins, and is silent again where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.alerts import rules
from app.alerts.rules import Limits
from app.core.lifecycle import ENDED, Status
from app.store.human_tasks.sla import OverdueTask
from app.store.reads.facts import EngineFacts, RefusedFacts, SweepFacts, WorkerFacts
from app.store.reads.run_facts import RunFacts

LIMITS = Limits(
    human_wait_seconds=48 * 3600,
    periods={"dispatch": 5.0, "timers": 2.0, "retention": 3600.0},
    silent_seconds=120,
    dispatch_seconds=5,
)
RUN_ID = UUID(int=7)
RUN = RunFacts(
    id=RUN_ID,
    subject="CLM-7",
    state="ASSESSING",
    status=Status.RUNNING,
    waiting_reason=None,
    active_seconds=100,
    still_seconds=1,
    expected_seconds=100,
    tokens=1000,
    token_budget=1000,
)
WORKER = WorkerFacts(
    id=UUID(int=1),
    host="box",
    pid=42,
    queues=("steps.claim.v1",),
    stopping=False,
    age_seconds=3600,
    silent_seconds=20,
    gone_seconds=None,
)


def found(**changes: Any) -> set[str]:
    """The rules that condemn the run after some changes."""
    alerts = rules.of_runs([replace(RUN, **changes)], LIMITS)
    assert all(alert.subject == str(RUN_ID) and alert.run_id == RUN_ID for alert in alerts)
    return {alert.rule for alert in alerts}


def of_engine(**facts: Any) -> set[tuple[str, str]]:
    """(rule, subject) of what is wrong with the engine; its sweeps are well unless given."""
    well = [SweepFacts(name=name, begun_seconds=1, finished_seconds=1) for name in LIMITS.periods]
    return {(a.rule, a.subject) for a in rules.of_engine(EngineFacts(**{"sweeps": well, **facts}), LIMITS)}


def test_a_run_as_expected_raises_nothing() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"status": Status.WAITING_FOR_HUMAN, "still_seconds": 48 * 3600 + 1}, "waiting_for_person"),
        ({"active_seconds": 300.1}, "over_duration"),
        ({"tokens": 2001}, "over_budget"),
        ({"status": Status.FAILED_RETRIABLE}, "failed_retriable"),
        ({"status": Status.DEAD_LETTER}, "dead_letter"),
    ],
)
def test_a_run_past_a_limit_is_named_by_its_rule(changes: dict[str, Any], rule: str) -> None:
    assert found(**changes) == {rule}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.WAITING_FOR_HUMAN, "still_seconds": 48 * 3600},
        {"status": Status.WAITING_FOR_EVENT, "still_seconds": 30 * 86_400},
        {"active_seconds": 300},
        {"active_seconds": 1e9, "expected_seconds": None},
        {"tokens": 2000},
        {"tokens": 10**9, "token_budget": None},
    ],
)
def test_a_run_at_a_limit_or_without_one_raises_nothing(changes: dict[str, Any]) -> None:
    assert found(**changes) == set()


def test_only_a_person_is_waited_for_by_the_rule_of_persons() -> None:
    others = [status for status in Status if status is not Status.WAITING_FOR_HUMAN and status not in ENDED]
    assert not any("waiting_for_person" in found(status=status, still_seconds=1e9) for status in others)


def test_one_run_may_be_wrong_in_several_ways() -> None:
    assert found(status=Status.DEAD_LETTER, tokens=5000, active_seconds=1000) == {
        "dead_letter",
        "over_budget",
        "over_duration",
    }


@pytest.mark.parametrize(("now", "before", "spikes"), [(3, 0, False), (4, 0, True), (6, 192, False), (7, 192, True)])
def test_dead_letters_spike_above_three_and_above_three_times_the_usual(now: int, before: int, spikes: bool) -> None:
    assert (("dead_letter_spike", "all") in of_engine(dead_letters=now, dead_letters_before=before)) is spikes


def test_a_sweep_is_overdue_after_twice_its_period_and_a_grace() -> None:
    def overdue(name: str, finished: float | None, begun: float | None = 1.0) -> bool:
        sweeps = [
            SweepFacts(name=n, begun_seconds=begun, finished_seconds=finished if n == name else 1.0)
            for n in LIMITS.periods
        ]
        return ("sweep_overdue", name) in of_engine(sweeps=sweeps, workers=[WORKER])

    assert not overdue("retention", 7200)
    assert overdue("retention", 7201)
    assert not overdue("timers", 10)  # twice its period are 4 s: nobody needs to know of that
    assert overdue("timers", 11)
    assert overdue("timers", None), "it begins and begins, and never ends"


def test_a_sweep_that_never_ran_is_overdue_once_there_were_workers_for_long_enough() -> None:
    assert ("sweep_overdue", "dispatch") in of_engine(sweeps=[], workers=[WORKER])
    assert ("sweep_overdue", "dispatch") not in of_engine(sweeps=[], workers=[replace(WORKER, age_seconds=5)])
    assert ("sweep_overdue", "dispatch") not in of_engine(sweeps=[], workers=[])


def test_a_host_whose_clock_is_half_a_minute_off_is_told_of_once() -> None:
    def told(*ahead: float | None, **changes: Any) -> bool:
        workers = [replace(WORKER, clock_ahead_seconds=seconds, **changes) for seconds in ahead]
        return ("clock_off", WORKER.host) in of_engine(workers=workers)

    assert not told(None)
    assert not told(29.0, -29.0)
    assert told(30.0, 31.0)
    assert told(-30.0)
    assert not told(600.0, gone_seconds=10), "nobody knows what its clock says now"


def test_a_silent_worker_and_a_lost_one_are_told_of_and_one_that_left_is_not() -> None:
    def told(**changes: Any) -> bool:
        return ("worker_silent", str(WORKER.id)) in of_engine(workers=[replace(WORKER, **changes)])

    assert not told()
    assert told(silent_seconds=121)
    assert told(gone_seconds=10)
    assert not told(gone_seconds=10, stopping=True)
    assert not told(gone_seconds=1000)


def test_a_ready_run_is_too_old_where_somebody_could_take_it() -> None:
    assert of_engine(workers=[WORKER], ready={"steps.claim.v1": 60}) == set()
    assert of_engine(workers=[WORKER], ready={"steps.claim.v1": 61}) == {("ready_too_old", "steps.claim.v1")}


@pytest.mark.parametrize(
    "gone", [{"gone_seconds": 1000.0}, {"stopping": True}, {"silent_seconds": 121.0}, {"queues": ("steps.claim.v1",)}]
)
def test_a_queue_without_a_living_worker_is_named_instead(gone: dict[str, Any]) -> None:
    worker = replace(WORKER, **{"queues": ("steps.claim.v2",), **gone})
    told = {("worker_silent", str(worker.id))} if "silent_seconds" in gone else set()
    assert of_engine(workers=[worker], ready={"steps.claim.v2": 9}) == told
    assert of_engine(workers=[worker], ready={"steps.claim.v2": 500}) == told | {("nobody_serves", "steps.claim.v2")}


def test_an_open_breaker_is_told_of() -> None:
    assert of_engine(breakers={"payments": 90.0}) == {("breaker_open", "payments")}


def test_an_overdue_task_names_its_claim_its_role_and_how_late_it_is() -> None:
    task = OverdueTask(
        id=UUID(int=3), run_id=RUN_ID, subject="CLM-7", title="Review", role="adjuster", late_seconds=7200
    )
    alert = rules.task_overdue(task)
    assert (alert.rule, alert.subject, alert.run_id) == ("task_overdue", str(task.id), RUN_ID)
    assert alert.message == "CLM-7: 'Review', for the role adjuster, is 2 h overdue"


def test_a_host_that_cannot_read_anothers_documents_is_told() -> None:
    apart = replace(WORKER, cannot_read=("depot",))
    assert of_engine(workers=[apart]) == {("documents_apart", "box")}
    assert of_engine(workers=[replace(apart, gone_seconds=1.0, stopping=True)]) == set()
    assert of_engine(workers=[replace(apart, cannot_read=())]) == set()


def bells(queue: str = "steps.claim.v1", **changes: Any) -> RefusedFacts:
    usual: dict[str, Any] = {
        "what": "bell",
        "reason": "it names no task",
        "count": 1,
        "seconds": 10.0,
    }
    return RefusedFacts(queue=queue, **usual | changes)


def refused_in(*kinds: RefusedFacts) -> dict[str, str]:
    """What is said of refused messages, by its subject."""
    well = [SweepFacts(name=name, begun_seconds=1, finished_seconds=1) for name in LIMITS.periods]
    return {a.subject: a.message for a in rules.of_engine(EngineFacts(sweeps=well, refused=kinds), LIMITS)}


def test_messages_refused_in_the_last_hour_are_told_of_and_older_ones_are_not() -> None:
    assert set(refused_in(bells(seconds=3599))) == {"steps"}
    assert refused_in(bells(seconds=3600)) == {}
    assert refused_in(bells(seconds=float("inf"))) == {}


def test_the_alert_of_refused_messages_says_what_where_why_how_many_and_what_to_do() -> None:
    start = bells("intake", what="start", reason="there is no workflow 'clam'", count=1200)
    told = refused_in(start, replace(start, reason="another", count=34), bells())
    assert told["intake"].startswith(
        "1,234 messages were refused in intake, the last because there is no workflow 'clam' (and 1 other kind); "
        "no run began from them: correct who sends them, and send them again."
    )
    assert told["steps"].startswith(
        "1 message was refused in steps.claim.v1, the last because it names no task; see who"
    )


def test_however_many_queues_a_sender_makes_up_the_alerts_about_refused_messages_are_few() -> None:
    kinds = [bells(f"{name}.{n}") for n in range(500) for name in ("steps", "canary", f"x{n}", "")]
    assert set(refused_in(*kinds)) == {"steps", "canary", "unknown"}
    assert len(refused_in(bells(reason="x" * 300))["steps"]) < 400
