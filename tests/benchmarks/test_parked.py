"""The database that the benchmark of parked runs fills is one that the product could have filled."""

from __future__ import annotations

from collections import Counter

from app.core.lifecycle import Status
from app.store.database import connect
from app.store.records.verify import verify
from benchmarks.parked import filling

RUNS = 40


def test_every_copy_is_a_run_like_any_other(database_url: str) -> None:
    filling.fill(database_url, RUNS, say=lambda _: None)
    with connect(database_url, "owner") as db:
        runs = db.execute("SELECT id, status, parent_run_id FROM runs").fetchall()
        for run in runs:
            assert verify(db, run["id"]).broken is None
        asked = db.execute("SELECT count(DISTINCT run_id) AS n FROM human_tasks WHERE status = 'OPEN'").fetchone()
        waiting = db.execute(
            "SELECT count(*) AS n FROM runs c JOIN runs p ON p.id = c.parent_run_id WHERE p.status = 'WAITING_FOR_CHILDREN'"
        ).fetchone()
    count = Counter(run["status"] for run in runs)
    # One of each was worked off by the engine, the others are its copies; a run that waits for its child is two.
    assert count == {
        Status.WAITING_FOR_HUMAN: 13,
        Status.WAITING_FOR_EVENT: 13 + 3,
        Status.WAITING_FOR_TIMER: 13,
        Status.WAITING_FOR_CHILDREN: 3,
        Status.COMPLETE: 5,
    }
    assert (asked, waiting) == ({"n": 13}, {"n": 3})
