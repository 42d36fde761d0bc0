"""The database's clock is set: back by an hour, forward by a day. Nothing stops for it, and nobody is judged by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import app.store
from app.accounts import people, throttle
from app.alerts import rules
from app.core.declarations.limits import Limit
from app.core.ids import new_id, new_token
from app.core.values.durations import spoken
from app.diagnosis.check import Check
from app.diagnosis.explain import explain
from app.doctor import Patient, _sweeps, _workers
from app.engine.clock import Clock
from app.store import clock
from app.store.accounts import sessions, upload_links
from app.store.database import Connection, connect
from app.store.reads import facts, situation
from app.store.records import request_keys
from app.store.runs import downstreams, steps
from app.store.runs.steps import Place
from app.store.workers import due, workers
from app.sweeps import dispatch, heartbeats, human_tasks
from app.sweeps.schedule import periods
from app.web.http.clocks import roughly
from tests.support.journey import Travel

BACK = timedelta(hours=-1)
DAY = timedelta(days=1)
PLACE = Place(run_id=new_id(), step_seq=1, call_seq=1, token=new_token(), attempt=1)
LIMIT = Limit(name="registry", rate=None, burst=1, concurrency=None, failures=1, window=60.0, cooldown=30.0)


def _looked(db: Connection) -> bool:
    due.never_looked(db)
    return due.begin_look(db, 1.0)


def _heard(db: Connection) -> bool:
    due.heard_beat(db)
    row = db.execute("SELECT last_started_at <= app_now() AS noted FROM sweeps WHERE name = %s", [due.BEAT]).fetchone()
    return bool(row and row["noted"])


def _guessing_is_free(db: Connection) -> bool:
    within = throttle.WITHIN_SECONDS
    free = sessions.wait_seconds(db, "name:x", most=1, within_seconds=within) == 0.0
    sessions.failed(db, "name:x")
    return free


def _permitted(db: Connection) -> bool:
    taken = downstreams.take(db, PLACE, LIMIT, 1.0)
    downstreams.report(db, LIMIT, "failed")
    return taken.granted or (taken.wait_seconds or 0) < 2 * LIMIT.cooldown


def _window(db: Connection) -> bool:
    counted = upload_links.count(db, "somebody", window_seconds=60.0)
    return counted.n == 1 and counted.ends_seconds <= 60.0


# Each does its duty once; afterwards the clock is set back, and what it says of the second time must be True.
DUTIES: dict[str, Callable[[Connection], bool]] = {
    "a sweep begins": lambda db: due.begin_sweep(db, "timers", 2.0),
    "a process looks for dead workers": _looked,
    "beat is heard": _heard,
    "an overdue sweep is seen": lambda db: due.overdue_sweeps(db, {"timers": 2.0}) == ["timers"],
    "a key that nobody works on is given away": lambda db: request_keys.take(
        db, "s", "k", "b", owner="o", forgotten_seconds=60.0
    )[0],
    "somebody who guessed may try again": _guessing_is_free,
    "a window of uploads ends": _window,
    "a broken downstream is tried again": _permitted,
}


@pytest.mark.parametrize("duty", DUTIES)
def test_a_duty_is_due_at_once_after_the_clock_was_set_back(journey: Travel, duty: str) -> None:
    do = DUTIES[duty]
    with connect(journey.url, "owner") as db:
        due.begin_sweep(db, "timers", 2.0)
        do(db)
        journey.advance_clock(BACK)
        assert do(db), f"after the clock was set back: {duty}"


def _register(journey: Travel) -> UUID:
    worker_id = new_id()
    with journey.rt.database.transaction() as db:
        workers.register(
            db, worker_id, lock_key=1, liveness="ping", host="h", pid=1, queues=["steps.journey.v1"], slots=1
        )
    return worker_id


def _leased(journey: Travel, worker: UUID, seconds: float = 900.0) -> UUID:
    """A run under a lease of a worker that was given to it just now."""
    run_id = journey.begin()
    statement, params = steps.lease(run_id, 1, token=new_token(), worker=worker, timeout_seconds=seconds)[0]
    with journey.rt.database.transaction() as db:
        assert db.execute(statement, params).fetchone()
    return run_id


def test_a_dead_worker_is_given_up_two_minutes_after_the_clock_was_set_back(journey: Travel) -> None:
    worker = _register(journey)
    run = _leased(journey, worker)
    journey.advance_clock(BACK)
    assert heartbeats.run_once(journey.rt)["gone"] == 0, "a ping in the future counts from now, not from never"
    journey.advance_clock(timedelta(seconds=journey.rt.settings.silent_seconds + 1))
    assert heartbeats.run_once(journey.rt)["gone"] == 1
    assert journey.run(run)["status"] == "READY"


def test_a_step_that_hangs_is_taken_back_one_time_out_after_the_clock_was_set_back(journey: Travel) -> None:
    worker = _register(journey)
    run = _leased(journey, worker, seconds=60.0)
    journey.advance_clock(BACK)
    assert heartbeats.run_once(journey.rt)["overdue"] == 0
    journey.advance_clock(timedelta(seconds=66))
    assert heartbeats.run_once(journey.rt)["overdue"] == 1
    assert journey.run(run)["status"] == "READY"


def test_a_run_left_between_two_moves_is_finished_after_the_clock_was_set_back(journey: Travel) -> None:
    run = _leased(journey, _register(journey))
    journey.tamper("UPDATE runs SET status = 'SUSPECTED_DEAD', lease_token = NULL, worker_id = NULL WHERE id = %s", run)
    journey.advance_clock(BACK)
    heartbeats.run_once(journey.rt)
    journey.advance_clock(timedelta(seconds=6))
    assert heartbeats.run_once(journey.rt)["reassigned"] == 1


def test_a_ready_run_is_rung_for_one_period_after_the_clock_was_set_back(journey: Travel) -> None:
    journey.begin()
    journey.advance_clock(BACK)
    dispatch.run_once(journey.rt)
    journey.advance_clock(timedelta(seconds=journey.rt.settings.dispatch_seconds + 1))
    assert dispatch.run_once(journey.rt)["late"] == 1


def test_a_claim_is_given_back_half_an_hour_after_the_clock_was_set_back(journey: Travel) -> None:
    journey.begin()
    journey.go()
    journey.tamper("UPDATE human_tasks SET claimed_by = 'ada', claimed_at = app_now()")
    journey.advance_clock(BACK)
    assert human_tasks.run_once(journey.rt)["returned"] == 0
    journey.advance_clock(timedelta(seconds=human_tasks.CLAIM_SECONDS + 1))
    assert human_tasks.run_once(journey.rt)["returned"] == 1


def test_a_proof_of_identity_in_the_future_proves_nothing_and_the_session_is_touched(journey: Travel) -> None:
    with connect(journey.url, "owner") as db:
        people.enrol(db, people.Person("ada", "Ada", ("adjuster",), Decimal(0)))
        sessions.begin(db, "h", username="ada", csrf="c", let_in_by="password", lasts_seconds=3600.0, agent="a")
        journey.advance_clock(BACK)
        row = sessions.find(db, "h", idle_seconds=60.0)
    assert row is not None, "nobody is signed out by it"
    assert row.proven_seconds == row.unseen_seconds == float("inf")


def test_a_downstream_is_held_back_no_longer_than_it_asked_for(journey: Travel) -> None:
    with connect(journey.url, "owner") as db:
        downstreams.take(db, PLACE, LIMIT, 1.0)
        downstreams.report(db, LIMIT, "patience", 100.0)
        journey.advance_clock(BACK)
        again = downstreams.take(db, PLACE, LIMIT, 1.0)
    assert not again.granted
    assert 90.0 < (again.wait_seconds or 0.0) < 110.0


def test_what_people_are_told_is_of_this_world_after_the_clock_was_set_back(journey: Travel) -> None:
    worker = _register(journey)
    with connect(journey.url, "owner") as db:
        for name, every in periods(journey.rt.settings).items():
            due.begin_sweep(db, name, every)
            due.end_sweep(db, name, "{}")
    run = journey.begin()
    journey.advance_clock(BACK)
    limits = rules.Limits.of(journey.rt.settings, periods(journey.rt.settings))
    with connect(journey.url, "owner") as db:
        found = rules.of_engine(facts.engine(db), limits)
    assert {a.rule for a in found} == {"sweep_overdue"}, "only the sweeps are due, each of them at once"
    with journey.rt.database.transaction() as db:
        seen = situation.read(db, run)
    assert "is READY to enter GATHERING for 0.0 s" in explain(seen, journey.rt.settings).sentence
    patient: Any = Patient(
        settings=journey.rt.settings,
        workflows=journey.rt.workflows,
        periods=periods(journey.rt.settings),
        database=journey.rt.database,
        provider=lambda: "",
        undeclared=list,
        unread=lambda _: [],
        outside={"payments": lambda: Check("payments", True, "")},
    )
    assert not _sweeps(patient, journey.rt.database).ok
    assert _workers(patient, journey.rt.database).ok, worker
    assert spoken(float("inf")) == roughly(float("inf")) == "an unknown time"


def test_nobody_is_judged_by_a_clock_that_was_set_forward(journey: Travel) -> None:
    """Every ping and every deadline is a day old at once, and no step has lost more than that day."""
    worker = _register(journey)
    run = _leased(journey, worker)
    with connect(journey.url, "worker") as db:
        journey.rt.clock.look(db)
        journey.advance_clock(DAY)
        counts = heartbeats.run_once(journey.rt)
        assert (counts["gone"], counts["overdue"]) == (0, 0)
        found = journey.run(run)
        assert (found["status"], found["crash_attempts"], found["worker_id"]) == ("RUNNING", 1, worker)
        assert journey.rt.clock.look(db) == 0.0
        step = clock.last_step(db)
    assert step is not None
    assert abs(step.seconds - DAY.total_seconds()) < 5
    journey.advance_clock(timedelta(seconds=1000))
    journey.rt.clock = Clock()  # a process that has not watched the clock takes it for silence
    assert heartbeats.run_once(journey.rt)["gone"] == 1


def test_a_step_of_the_clock_is_noted_once_however_many_notice_it(journey: Travel) -> None:
    watches = [Clock(), Clock(), Clock()]
    worker = _register(journey)
    with connect(journey.url, "worker") as db:
        for watch in watches:
            assert watch.look(db) == 0.0
        journey.advance_clock(DAY)
        assert [round(watch.look(db) / 10) for watch in watches] == [8640, 8640, 8640]
        (found,) = [w for w in workers.living(db) if w.id == worker]
    assert found.silent_seconds < 60
    assert journey.one("SELECT pinged_at <= app_now() AS now FROM workers WHERE id = %s", worker)["now"]


# Every other comparison with the clock in the store, and why it follows it.
FOLLOWS = {
    "expires_at": "a time of day, shown to people",
    "wake_at": "a time of day, shown to people",
    "due_at": "a time of day, shown to people",
    "_DUE": "the same, as lists compose it",
    "sla_at": "a time of day, shown to people",
    "snoozed_until": "a time of day that a person chose, or the end of a claim that is snoozed",
    "pinged_at": "set to now first where it lies in the future: restart",
    "ready_at": "set to now first where it lies in the future: restart",
    "claimed_at": "set to now first where it lies in the future: restart",
    "deadline_at": "set anew first where its lease lies in the future: restart",
    "seen_at": "one in the future keeps its session, and is touched at once",
    "intent_at": "only one in the future is meant",
    "created_at": "what of a list is shown or counted as recent, or old enough to be forgotten",
    "updated_at": "how long a person has been waited for, as it is shown",
    "gone_at": "old enough to be forgotten, or recent enough to be told",
    "executed_at": "an hour until somebody is told, as it is shown",
    "opened_at": "recent enough to be told",
    "last_at": "old enough to be forgotten",
    "at": "old enough to be forgotten",
    "since": "old enough to be forgotten",
}
_CLOCK = r"(?:\(SELECT app_now\(\)\)|app_now\(\)|\{_?NOW\}|\bNOW\b)"  # the last one in what is composed
_COMPARED = re.compile(rf"([\w.{{}}()]+?)\)? *(?:<=|>=|<|>) *{_CLOCK}|{_CLOCK} *(?:<=|>=|<|>) *([\w.]+)")


def test_every_comparison_with_the_clock_is_by_the_words_for_it_or_says_why_not() -> None:
    folder = Path(app.store.__file__).parent
    found: set[str] = set()
    for file in sorted(folder.rglob("*.py")):
        if file.name != "clock.py":
            compared = _COMPARED.findall(file.read_text())
            found |= {re.findall(r"\w+", first or second)[-1] for first, second in compared}
    unknown = found - set(FOLLOWS)
    assert not unknown, (
        f"compare by app.store.clock (passed, within, silence, lasted), or say in FOLLOWS why not: {unknown}"
    )
    assert set(FOLLOWS) <= found, f"no longer compared: {set(FOLLOWS) - found}"
