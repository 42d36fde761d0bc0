"""Alerts are opened once and resolve themselves, whoever sweeps and however often."""

from __future__ import annotations

import json
import logging
import threading
from datetime import timedelta

import pytest

from app import sweeps
from app.engine.control import operate
from app.engine.process.refusals import refused
from app.store.records import refused as refused_messages
from app.store.workers import due
from app.sweeps import alerts
from app.telemetry import logs
from tests.support.journey import Travel
from tests.sweeps.web_role import answer


def standing(journey: Travel) -> set[tuple[str, str]]:
    """(rule, subject) of every open alert, sweeps and workers aside: none run in these tests."""
    rows = journey.rows(
        "SELECT rule, subject FROM alerts WHERE resolved_at IS NULL AND rule NOT IN ('sweep_overdue', 'nobody_serves')"
    )
    return {(row["rule"], row["subject"]) for row in rows}


def test_a_run_nobody_answers_for_48_hours_is_told_of_once_until_somebody_does(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    journey.advance_clock(timedelta(hours=47))
    alerts.run_once(journey.rt)
    assert standing(journey) == set()

    journey.advance_clock(timedelta(hours=2))
    assert alerts.run_once(journey.rt)["opened"] >= 1
    assert alerts.run_once(journey.rt)["opened"] == 0
    assert ("waiting_for_person", str(run_id)) in standing(journey)

    answer(journey, run_id)
    alerts.run_once(journey.rt)
    assert standing(journey) == set()
    assert len(journey.rows("SELECT 1 FROM alerts WHERE rule = 'waiting_for_person'")) == 1


def test_waits_for_people_and_documents_do_not_count_as_duration(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    journey.tamper("UPDATE runs SET expected_seconds = 86400 WHERE id = %s", run_id)
    journey.advance_clock(timedelta(days=4))
    answer(journey, run_id)
    journey.go()
    assert journey.run(run_id)["status"] == "WAITING_FOR_EVENT"
    journey.advance_clock(timedelta(days=4))
    alerts.run_once(journey.rt)
    assert ("over_duration", str(run_id)) not in standing(journey)

    journey.tamper(
        "UPDATE runs SET status = 'RUNNING', expires_at = NULL, waited_seconds = 8 * 86400 WHERE id = %s", run_id
    )
    alerts.run_once(journey.rt)
    assert ("over_duration", str(run_id)) not in standing(journey)
    journey.advance_clock(timedelta(days=3, seconds=5))
    alerts.run_once(journey.rt)
    assert ("over_duration", str(run_id)) in standing(journey)


def test_a_run_over_twice_its_tokens_is_told_of_in_work_waiting_and_as_a_parent(journey: Travel) -> None:
    run_id = journey.begin()
    alerts.run_once(journey.rt)  # the look at all runs is done for the next half hour
    spend = "UPDATE runs SET token_budget = 1000, tokens_in = 1500, tokens_out = %s WHERE id = %s"
    journey.tamper(spend, 500, run_id)
    alerts.run_once(journey.rt)
    assert standing(journey) == set()
    journey.tamper(spend, 501, run_id)
    alerts.run_once(journey.rt)
    assert standing(journey) == {("over_budget", str(run_id))}

    journey.tamper("UPDATE runs SET token_budget = 2000 WHERE id = %s", run_id)
    alerts.run_once(journey.rt)
    assert standing(journey) == set()


def test_a_run_that_went_wrong_between_two_looks_and_is_parked_is_found_within_half_an_hour(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    answer(journey, run_id)
    journey.go()
    alerts.run_once(journey.rt)
    journey.tamper("UPDATE runs SET token_budget = 10, tokens_in = 100 WHERE id = %s", run_id)
    alerts.run_once(journey.rt)
    assert standing(journey) == set()
    journey.advance_clock(timedelta(minutes=31))
    alerts.run_once(journey.rt)
    assert standing(journey) == {("over_budget", str(run_id))}


def test_an_answer_ends_the_alert_about_waiting_and_leaves_the_one_about_tokens(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    journey.tamper("UPDATE runs SET token_budget = 10, tokens_in = 100 WHERE id = %s", run_id)
    journey.advance_clock(timedelta(hours=49))
    alerts.run_once(journey.rt)
    assert standing(journey) == {("over_budget", str(run_id)), ("waiting_for_person", str(run_id))}
    answer(journey, run_id)
    assert standing(journey) == {("over_budget", str(run_id))}, "resolved by the move itself"


def test_the_parent_of_a_running_child_is_judged_with_it(journey: Travel) -> None:
    run_id = journey.begin()
    alerts.run_once(journey.rt)
    journey.go()
    answer(journey, run_id)
    journey.go()
    journey.tamper(
        "UPDATE runs SET status = 'WAITING_FOR_CHILDREN', expires_at = NULL, token_budget = 10, tokens_in = 100 WHERE id = %s",
        run_id,
    )
    child = journey.begin("J-1/0")
    journey.tamper("UPDATE runs SET status = 'RUNNING', parent_run_id = %s WHERE id = %s", run_id, child)
    alerts.run_once(journey.rt)
    assert standing(journey) == {("over_budget", str(run_id))}


@pytest.mark.parametrize(("mood", "rule"), [("hopeless", "dead_letter"), ("flaky", "failed_retriable")])
def test_a_stopped_run_has_its_alert_from_the_move_on_and_a_missing_one_is_repaired(
    journey: Travel, mood: str, rule: str
) -> None:
    run_id = journey.begin(mood=mood)
    journey.go()
    journey.advance_clock(timedelta(minutes=5))
    sweeps.timers.run_once(journey.rt)
    journey.go()
    assert standing(journey) == {(rule, str(run_id))}
    assert alerts.run_once(journey.rt) == {"opened": 0, "resolved": 0} | {"opened": _engine_alerts(journey)}

    journey.tamper("UPDATE alerts SET resolved_at = app_now() WHERE run_id = %s", run_id)
    journey.advance_clock(timedelta(minutes=31))
    alerts.run_once(journey.rt)
    assert standing(journey) == {(rule, str(run_id))}

    operate.fail(journey.rt, run_id, actor="person:ada", reason="no use")
    alerts.run_once(journey.rt)
    assert standing(journey) == set()


def _engine_alerts(journey: Travel) -> int:
    return len(journey.rows("SELECT 1 FROM alerts WHERE run_id IS NULL AND resolved_at IS NULL"))


def test_sweeps_and_queues_without_workers_are_told_of_and_resolve_themselves(journey: Travel) -> None:
    journey.begin()
    journey.advance_clock(timedelta(seconds=11))
    journey.rt.database.transact(lambda db: due.begin_sweep(db, "timers", 2.0))
    journey.rt.database.transact(lambda db: due.end_sweep(db, "timers", "{}"))
    journey.advance_clock(timedelta(seconds=30))
    alerts.run_once(journey.rt)
    found = {(row["rule"], row["subject"]) for row in journey.rows("SELECT rule, subject FROM alerts")}
    assert found == {("sweep_overdue", "timers"), ("nobody_serves", "steps.journey.v1")}

    sweeps.run(journey.rt, "timers")
    journey.go()
    assert alerts.run_once(journey.rt)["resolved"] == 2


def test_many_sweepers_at_once_open_one_alert_and_write_one_line(
    journey: Travel, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = journey.begin()
    journey.go()
    journey.advance_clock(timedelta(hours=49))
    sweepers = [threading.Thread(target=alerts.run_once, args=(journey.rt,)) for _ in range(4)]
    with caplog.at_level(logging.INFO, logs.LOGGER.name):
        for sweeper in sweepers:
            sweeper.start()
        for sweeper in sweepers:
            sweeper.join()
    assert len(journey.rows("SELECT 1 FROM alerts WHERE rule = 'waiting_for_person'")) == 1
    lines = [json.loads(logs.JsonLine().format(record)) for record in caplog.records if record.message == "alert"]
    own = [line for line in lines if line["run_id"] == str(run_id)]
    assert [(line["kind"], line["alert"], line["rule"]) for line in own] == [("alert", "opened", "waiting_for_person")]


def test_refused_messages_open_one_alert_that_ends_after_an_hour_without_any(journey: Travel) -> None:
    def refuse(name: str) -> None:
        one = refused("start", queue="intake", name=name, reason="there is no such workflow", said={})
        journey.rt.database.transact(lambda db: refused_messages.note(db, [one]))

    refuse("clam")
    alerts.run_once(journey.rt)
    assert standing(journey) == {("messages_refused", "intake")}
    journey.advance_clock(timedelta(minutes=50))
    refuse("claims")
    journey.advance_clock(timedelta(minutes=50))
    alerts.run_once(journey.rt)
    assert standing(journey) == {("messages_refused", "intake")}, "the newest is younger than an hour"
    journey.advance_clock(timedelta(minutes=11))
    alerts.run_once(journey.rt)
    assert standing(journey) == set()
    assert len(journey.rows("SELECT 1 FROM alerts WHERE rule = 'messages_refused'")) == 1


def test_all_runs_are_gone_through_a_few_in_each_turn_and_none_is_passed_over(
    journey: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = sorted(journey.begin(f"A-{n}") for n in range(5))
    journey.go()
    journey.tamper(
        "UPDATE runs SET status = 'PAUSED', ready_at = NULL, expected_seconds = 1, created_at = created_at - interval '1 h'"
    )
    journey.tamper("UPDATE human_tasks SET status = 'CANCELLED'")
    monkeypatch.setattr(alerts, "SLICES_SECONDS", 0.0)
    monkeypatch.setattr(alerts, "SLICE", 2)
    told = []
    for _ in range(4):
        alerts.run_once(journey.rt)
        told.append(sorted(subject for rule, subject in standing(journey) if rule == "over_duration"))
    assert told == [[str(one) for one in ids[:n]] for n in (2, 4, 5, 5)]

    journey.tamper("UPDATE alerts SET resolved_at = app_now()")
    alerts.run_once(journey.rt)
    assert standing(journey) == set(), "the next time begins when half an hour has passed"
    journey.advance_clock(timedelta(minutes=31))
    alerts.run_once(journey.rt)
    assert len(standing(journey)) == 2


def test_of_many_open_alerts_a_turn_judges_some_and_the_next_goes_on(
    journey: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        journey.begin(f"B-{n}")
    journey.go()
    journey.advance_clock(timedelta(hours=49))
    alerts.run_once(journey.rt)
    assert len(standing(journey)) == 5
    # As if somebody had answered, and the alerts had stayed.
    journey.tamper("UPDATE runs SET status = 'WAITING_FOR_EVENT', expected_seconds = NULL")
    journey.tamper("UPDATE human_tasks SET status = 'CANCELLED'")
    monkeypatch.setattr(alerts, "BATCH", 2)
    left = []
    for _ in range(3):
        alerts.run_once(journey.rt)
        left.append(len(standing(journey)))
    assert left == [3, 1, 0]
