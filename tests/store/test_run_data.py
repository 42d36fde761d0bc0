"""A run's data stand once, where they were left; and the release before, which keeps a copy, works beside this one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.canonical import canonical, restore
from app.engine.control import operate
from app.engine.control.purge import purge
from app.humans.complete import complete
from app.store import migrate
from app.store.database import Role, connect
from app.store.records import verify
from app.store.runs import runs
from tests.support.journey import Travel
from tests.support.migrations import until
from tests.support.roles import DECLARED

_HELD = "SELECT data FROM run_data WHERE run_id = %s"
_STEP = "SELECT data_step FROM runs WHERE id = %s"
# How the release before wrote: with a run, and in the statement of a move.
_INSERTED_BEFORE = (
    "INSERT INTO run_data (run_id, data, updated_at) SELECT id, %(data)s::jsonb, created_at FROM runs WHERE id = %(id)s"
)
_CHANGED_BEFORE = """
WITH moved AS (UPDATE runs r SET updated_at = app_now() WHERE r.id = %(id)s RETURNING r.updated_at AS at),
changed AS (UPDATE run_data d SET data = %(data)s::jsonb, updated_at = moved.at FROM moved WHERE d.run_id = %(id)s)
SELECT at FROM moved"""
_RUN_OF_0031 = """
INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, transition_seq, transition_hash,
    created_at, updated_at)
VALUES (%(id)s, 'w', 1, 'h', 'S-1', 'HERE', 'READY', 1, 'q', 1, '', clock_timestamp(), clock_timestamp())"""
_DATA_OF_0031 = 'INSERT INTO run_data VALUES (%(id)s, \'{"mood": "well"}\', clock_timestamp())'


def _held(t: Travel, run_id: UUID) -> Any:
    return restore(t.one(_HELD, run_id)["data"])


def _asked(t: Travel, mood: str = "well") -> UUID:
    """A run that waits for a person."""
    t.enrol("ada", "adjuster", "operator")
    run_id = t.begin(mood=mood)
    t.go()
    return run_id


def test_what_a_run_began_with_and_what_a_step_left_stands_in_its_checkpoint_alone(journey: Travel) -> None:
    run_id = journey.begin()
    began = journey.one("SELECT output -> 'data' AS data FROM checkpoints WHERE run_id = %s AND step_seq = 0", run_id)
    assert journey.one(_STEP, run_id)["data_step"] == 0
    assert _held(journey, run_id) == restore(began["data"])
    journey.go()
    left = journey.one(
        """SELECT step_seq, output -> 'data' AS data, completed_at FROM checkpoints WHERE run_id = %s AND call_seq = 0
           AND output ? 'data' ORDER BY step_seq DESC LIMIT 1""",
        run_id,
    )
    assert left["step_seq"] > 0 and left["data"] != began["data"]
    assert journey.one(_STEP, run_id)["data_step"] == left["step_seq"]
    held = journey.one("SELECT data, updated_at FROM run_data WHERE run_id = %s", run_id)
    assert held == {"data": left["data"], "updated_at": left["completed_at"]}
    assert journey.rows("SELECT * FROM corrected_data") == []


def test_what_a_person_corrected_counts_until_a_step_leaves_other_data(journey: Travel) -> None:
    run_id = _asked(journey, "doubtful")
    task = journey.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
    corrected = {"mood": "well", "amount": "3.25"}
    complete(journey.rt, task["id"], by="ada", outcome="again", answer={"comment": "so it is", "data": corrected})
    assert journey.one(_STEP, run_id)["data_step"] is None
    assert {name: _held(journey, run_id)[name] for name in corrected} == corrected
    journey.go()
    assert journey.one(_STEP, run_id)["data_step"] is not None
    assert _held(journey, run_id)["amount"] == "3.25", "a step goes on with what was corrected"
    assert journey.rt.database.transact(lambda db: verify.verify(db, run_id)).holds


@pytest.mark.parametrize("role", ["worker", "web"])
def test_a_process_of_the_release_before_reads_and_writes_beside_ours(journey: Travel, role: Role) -> None:
    run_id = journey.begin()
    began = _held(journey, run_id)
    with connect(journey.url, role) as db, db.transaction():
        row = db.execute(_HELD, [run_id]).fetchone()
        assert row is not None and restore(row["data"]) == began, "it reads what ours left"
        changed = {"id": run_id, "data": canonical(began | {"amount": "7.00"})}
        assert len(db.execute(_CHANGED_BEFORE, changed).fetchall()) == 1
    assert _held(journey, run_id) == began | {"amount": "7.00"}
    journey.go()
    assert journey.one(_STEP, run_id)["data_step"] == 1, "ours has left data again"
    left = _held(journey, run_id)
    assert (left["amount"], left["answers"]) == ("7.00", ["about J-1"])


def test_a_run_that_the_release_before_started_has_its_data(journey: Travel) -> None:
    run_id = journey.begin()
    journey.tamper("UPDATE runs SET data_step = NULL WHERE id = %s", run_id)
    with connect(journey.url, "web") as db, db.transaction():
        db.execute(_INSERTED_BEFORE, {"id": run_id, "data": canonical({"mood": "hopeless"})})
    assert _held(journey, run_id) == {"mood": "hopeless"}


def test_what_was_written_before_there_was_a_step_to_name_is_read_as_it_was(empty_database_url: str) -> None:
    until(empty_database_url, "0031")
    run_id = UUID(int=1)
    with psycopg.connect(empty_database_url) as owner:
        owner.execute(_RUN_OF_0031, {"id": run_id})
        owner.execute(_DATA_OF_0031, {"id": run_id})
    migrate.upgrade(empty_database_url, DECLARED)
    with connect(empty_database_url, "worker") as db:
        assert runs.data_of(db, run_id) == {"mood": "well"}


def test_an_erased_runs_data_are_the_note_of_its_erasure(journey: Travel) -> None:
    run_id = _asked(journey)
    operate.cancel(journey.rt, run_id, actor="person:ada", reason="withdrawn")
    purge(journey.rt.database, run_id, actor="person:ada", reason="asked to", forget_document=lambda _: False)
    assert set(_held(journey, run_id)) == {"$erased"}
