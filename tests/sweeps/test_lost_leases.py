"""Leases that nobody serves any more: of workers that are gone, and of steps that hang."""

from __future__ import annotations

from uuid import UUID

from app.core.ids import new_id
from app.store.workers import workers
from app.sweeps import heartbeats
from tests.support.journey import Travel


def _held(journey: Travel, worker: UUID, **columns: str) -> UUID:
    run_id = journey.begin()
    journey.rt.database.transact(
        lambda db: workers.register(db, worker, lock_key=1, liveness="lock", host="h", pid=1, queues=["q"], slots=1)
    )
    journey.tamper(
        """UPDATE runs SET status = 'RUNNING', lease_token = gen_random_uuid(), worker_id = %s, ready_at = NULL, crash_attempts = 1,
           deadline_at = app_now() + interval '1 hour' WHERE id = %s""",
        worker,
        run_id,
    )
    return run_id


def test_a_lease_of_a_worker_that_is_gone_is_taken_back(journey: Travel) -> None:
    worker = new_id()
    run_id = _held(journey, worker)
    assert heartbeats.run_once(journey.rt) == {"gone": 0, "reassigned": 0, "overdue": 0}
    journey.tamper("UPDATE workers SET gone_at = app_now() WHERE id = %s", worker)
    assert heartbeats.run_once(journey.rt)["reassigned"] == 1
    assert journey.run(run_id)["status"] == "READY"


def test_a_step_that_hangs_past_its_deadline_counts_as_a_crash_until_it_is_a_dead_letter(journey: Travel) -> None:
    run_id = _held(journey, new_id())
    journey.tamper("UPDATE runs SET deadline_at = app_now() - interval '1 second' WHERE id = %s", run_id)
    assert heartbeats.run_once(journey.rt)["overdue"] == 0, "within the grace its own process may still end it"
    journey.tamper("UPDATE runs SET deadline_at = app_now() - interval '6 seconds' WHERE id = %s", run_id)
    assert heartbeats.run_once(journey.rt)["overdue"] == 1
    run = journey.run(run_id)
    assert (run["status"], run["crash_attempts"], run["queue"].split(".")[0]) == ("READY", 1, "isolated")
    limit = journey.rt.settings.crashes_alone
    journey.tamper(
        """UPDATE runs SET status = 'RUNNING', lease_token = gen_random_uuid(), crash_attempts = %s,
           deadline_at = app_now() - interval '6 seconds' WHERE id = %s""",
        limit,
        run_id,
    )
    heartbeats.run_once(journey.rt)
    assert journey.run(run_id)["status"] == "DEAD_LETTER"


def test_a_run_left_between_two_moves_of_a_dead_sweeper_is_finished(journey: Travel) -> None:
    run_id = _held(journey, new_id())
    journey.tamper("UPDATE runs SET status = 'SUSPECTED_DEAD', updated_at = app_now() WHERE id = %s", run_id)
    assert heartbeats.run_once(journey.rt)["reassigned"] == 0, "its sweeper is at work"
    journey.tamper("UPDATE runs SET updated_at = app_now() - interval '6 seconds' WHERE id = %s", run_id)
    assert heartbeats.run_once(journey.rt)["reassigned"] == 1
    assert journey.run(run_id)["status"] == "READY"
