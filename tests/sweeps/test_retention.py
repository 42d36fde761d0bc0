"""Retention forgets gone workers and old keys after their time, and never a run or what a run points to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core.ids import new_id
from app.engine.process.refusals import refused
from app.store.database import Connection
from app.store.records import refused as refused_messages
from app.store.workers import workers
from app.sweeps import retention
from tests.support.journey import Travel


def register(journey: Travel, *, gone: bool) -> UUID:
    worker = new_id()

    def work(db: Connection) -> None:
        workers.register(
            db, worker, lock_key=worker.int % 2**60, liveness="lock", host="h", pid=1, queues=["q"], slots=1
        )
        if gone:
            workers.leave(db, worker)

    journey.rt.database.transact(work)
    return worker


def test_gone_workers_are_forgotten_after_a_month_unless_a_run_names_them(journey: Travel) -> None:
    register(journey, gone=True)
    holder, alive = register(journey, gone=True), register(journey, gone=False)
    run_id = journey.begin()
    journey.tamper("UPDATE runs SET status = 'RUNNING', worker_id = %s WHERE id = %s", holder, run_id)
    before = journey.run(run_id)
    journey.advance_clock(timedelta(days=29))
    assert retention.run_once(journey.rt)["workers"] == 0
    journey.advance_clock(timedelta(days=2))
    assert retention.run_once(journey.rt)["workers"] == 1
    assert {row["id"] for row in journey.rows("SELECT id FROM workers")} == {holder, alive}
    assert journey.run(run_id) == before


def test_idempotency_keys_are_forgotten_after_ninety_days(journey: Travel) -> None:
    def keep(key: str) -> None:
        journey.tamper(
            "INSERT INTO idempotency_keys (scope, key, body_hash, answer, created_at) VALUES ('start:x', %s, '', '{}', app_now())",
            key,
        )

    for n in range(3):
        keep(f"old-{n}")
    journey.advance_clock(timedelta(days=89))
    keep("new")
    assert retention.run_once(journey.rt)["idempotency_keys"] == 0
    journey.advance_clock(timedelta(days=2))
    assert retention.run_once(journey.rt)["idempotency_keys"] == 3
    assert [row["key"] for row in journey.rows("SELECT key FROM idempotency_keys")] == ["new"]


def test_refused_messages_are_forgotten_thirty_days_after_the_last_of_their_kind(journey: Travel) -> None:
    def refuse(name: str) -> None:
        one = refused("start", queue="intake", name=name, reason="there is no such workflow", said={})
        journey.rt.database.transact(lambda db: refused_messages.note(db, [one]))

    for name in ("once", "again"):
        refuse(name)
    journey.advance_clock(timedelta(days=29))
    refuse("again")
    assert retention.run_once(journey.rt)["refused_messages"] == 0
    journey.advance_clock(timedelta(days=2))
    assert retention.run_once(journey.rt)["refused_messages"] == 1
    assert [row["name"] for row in journey.rows("SELECT name FROM refused_messages")] == ["again"]
