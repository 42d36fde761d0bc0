"""The service level of a human task: reminded, overdue, escalated, each told once; no run moves for it."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from app.store.human_tasks import handling
from app.sweeps import human_tasks
from tests.support.journey import Travel
from tests.sweeps.web_role import answer, web_role


@pytest.fixture
def asked(journey: Travel) -> UUID:
    """A run that asks an adjuster, due in 48 hours."""
    run_id = journey.begin()
    journey.go()
    assert journey.run(run_id)["status"] == "WAITING_FOR_HUMAN"
    return run_id


def told(journey: Travel, run_id: UUID) -> list[str]:
    rows = journey.rows("SELECT event FROM human_task_events WHERE run_id = %s ORDER BY seq", run_id)
    return [row["event"] for row in rows]


def overdue_alerts(journey: Travel, run_id: UUID) -> int:
    return len(
        journey.rows("SELECT 1 FROM alerts WHERE rule = 'task_overdue' AND run_id = %s AND resolved_at IS NULL", run_id)
    )


def test_a_task_is_reminded_of_at_three_quarters_of_its_time_and_escalated_at_its_end(
    journey: Travel, asked: UUID
) -> None:
    before = journey.run(asked)
    journey.advance_clock(timedelta(hours=35))
    assert human_tasks.run_once(journey.rt) == {"reminded": 0, "overdue": 0, "returned": 0, "opened": 0, "resolved": 0}
    journey.advance_clock(timedelta(hours=2))
    assert human_tasks.run_once(journey.rt)["reminded"] == 1
    assert told(journey, asked) == ["opened", "reminder"]

    journey.advance_clock(timedelta(hours=12))
    assert human_tasks.run_once(journey.rt) == {"reminded": 0, "overdue": 1, "returned": 0, "opened": 1, "resolved": 0}
    assert human_tasks.run_once(journey.rt) == {"reminded": 0, "overdue": 0, "returned": 0, "opened": 0, "resolved": 0}
    assert told(journey, asked) == ["opened", "reminder", "overdue", "escalated"]
    escalated = journey.one("SELECT actor, detail FROM human_task_events WHERE event = 'escalated'")
    assert (escalated["actor"], escalated["detail"]["role"]) == ("sweep:human_tasks", "supervisor")
    assert journey.run(asked) == before, "an SLA never moves a run"


def test_an_overdue_task_keeps_its_role_and_its_alert_ends_with_the_answer(journey: Travel, asked: UUID) -> None:
    journey.advance_clock(timedelta(hours=49))
    human_tasks.run_once(journey.rt)
    assert overdue_alerts(journey, asked) == 1
    answer(journey, asked)  # by an adjuster
    human_tasks.run_once(journey.rt)
    assert overdue_alerts(journey, asked) == 0
    assert told(journey, asked)[-1] == "completed"


def test_many_sweepers_at_once_tell_each_event_once(journey: Travel, asked: UUID) -> None:
    journey.advance_clock(timedelta(hours=49))
    sweepers = [threading.Thread(target=human_tasks.run_once, args=(journey.rt,)) for _ in range(5)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join()
    assert told(journey, asked) == ["opened", "overdue", "escalated"], "nobody is reminded of what is overdue already"
    assert overdue_alerts(journey, asked) == 1


def test_a_claim_nobody_works_on_is_returned_after_half_an_hour(journey: Travel, asked: UUID) -> None:
    task = journey.one("SELECT id FROM human_tasks")["id"]
    with web_role(journey) as web:
        assert web.database.transact(lambda db: handling.claim(db, task, "ada"))
        journey.advance_clock(timedelta(minutes=29))
        assert human_tasks.run_once(journey.rt)["returned"] == 0
        journey.advance_clock(timedelta(minutes=2))
        assert human_tasks.run_once(journey.rt)["returned"] == 1
        assert journey.one("SELECT claimed_by, claimed_at FROM human_tasks") == {"claimed_by": None, "claimed_at": None}
        assert web.database.transact(lambda db: handling.claim(db, task, "ben"))
    detail = journey.one("SELECT detail FROM human_task_events WHERE event = 'claim returned'")["detail"]
    assert detail == {"claimed_by": "ada"}


def test_a_draft_saved_meanwhile_keeps_a_claim(journey: Travel, asked: UUID) -> None:
    task = journey.one("SELECT id FROM human_tasks")["id"]
    with web_role(journey) as web:
        web.database.transact(lambda db: handling.claim(db, task, "ada"))
    journey.advance_clock(timedelta(minutes=20))
    journey.tamper("INSERT INTO human_task_drafts VALUES (%s, 'ada', '{}', app_now())", task)
    journey.advance_clock(timedelta(minutes=20))
    assert human_tasks.run_once(journey.rt)["returned"] == 0
    journey.advance_clock(timedelta(minutes=11))
    assert human_tasks.run_once(journey.rt)["returned"] == 1
