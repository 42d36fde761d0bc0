"""A worker is given up only as it was judged, and what it held is found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.store.database import Connection
from app.store.workers import workers
from tests.support.bench import (
    OTHER_WORKER,
    WORKER,
    A,
)


def _worker(db: Connection, worker: UUID, **more: Any) -> Any:
    workers.register(db, worker, lock_key=1, liveness="lock", host="h", pid=1, queues=["q"], slots=1)
    for name, value in more.items():
        db.execute(f"UPDATE workers SET {name} = %s WHERE id = %s", [value, worker])
    return db.execute("SELECT * FROM workers WHERE id = %s", [worker]).fetchone()


def test_a_worker_that_pinged_since_it_was_judged_is_not_given_up(db: Connection) -> None:
    judged = _worker(db, OTHER_WORKER)
    assert workers.unheard_since(db, OTHER_WORKER, judged["pinged_at"])
    assert workers.ping(db, OTHER_WORKER, host_clock=0.0)
    assert not workers.unheard_since(db, OTHER_WORKER, judged["pinged_at"])
    assert not workers.give_up(db, OTHER_WORKER, judged["pinged_at"])
    now = db.execute("SELECT * FROM workers").fetchone()
    assert now is not None and workers.give_up(db, OTHER_WORKER, now["pinged_at"])
    assert not workers.give_up(db, OTHER_WORKER, now["pinged_at"]), "it is gone already"
    assert not workers.ping(db, OTHER_WORKER, host_clock=0.0), "it is told that it was given up"


@pytest.mark.parametrize("status", ["RUNNING", "SUSPECTED_DEAD", "READY"])
def test_a_worker_is_given_up_only_when_every_run_was_taken_from_it(db: Connection, status: str) -> None:
    judged, other = _worker(db, WORKER), _worker(db, OTHER_WORKER)
    db.execute("UPDATE runs SET status = %s", [status])
    assert workers.give_up(db, WORKER, judged["pinged_at"]) is (status == "READY")
    gone = db.execute("SELECT id FROM workers WHERE gone_at IS NOT NULL").fetchall()
    assert [row["id"] for row in gone] == ([WORKER] if status == "READY" else [])
    assert workers.give_up(db, OTHER_WORKER, other["pinged_at"]), "it holds nothing"


@pytest.mark.parametrize(("status", "found"), [("RUNNING", True), ("SUSPECTED_DEAD", True), ("READY", False)])
def test_leases_of_workers_that_are_gone_are_found(db: Connection, status: str, found: bool) -> None:
    _worker(db, WORKER)
    db.execute("UPDATE runs SET status = %s", [status])
    assert workers.gone_with_leases(db) == []
    gone = _worker(db, OTHER_WORKER, gone_at="2020-01-01")
    db.execute("UPDATE runs SET worker_id = %s WHERE id = %s", [OTHER_WORKER, A])
    assert workers.gone_with_leases(db) == (
        [workers.Unheard(id=OTHER_WORKER, pinged_at=gone["pinged_at"], lock_stands=False)] if found else []
    )
