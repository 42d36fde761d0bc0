"""The chain is what it says: every column of a transition, every output, is missed when it changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.canonical import canonical, restore
from app.core.errors import NotFound
from app.engine.control import operate
from app.engine.control.purge import purge
from app.humans.complete import complete
from app.store.database import Database, connect
from app.store.records import verify
from app.store.records.verify import Verdict
from tests.support.journey import Travel

# The writer's token: it says who wrote, until the answer of a commit arrives, and is no part of history.
NO_HISTORY = {"move_id"}

FLIPS = {
    "uuid": "gen_random_uuid()",
    "integer": "{column} + 1",
    "text": "coalesce({column}, '') || 'x'",
    "bytea": "sha256({column})",
    "timestamp with time zone": "{column} + interval '1 microsecond'",
}


def _verdict(t: Travel, run_id: UUID) -> Verdict:
    return t.rt.database.transact(lambda db: verify.verify(db, run_id))


@pytest.fixture
def run_id(journey: Travel) -> UUID:
    """A run with leases, an asked person, their answer and a wait."""
    journey.enrol("ada", "adjuster")
    run_id = journey.begin()
    journey.go()
    task = journey.one("SELECT id FROM human_tasks")
    complete(journey.rt, task["id"], by="ada", outcome="approved", answer={"amount": "12.50", "comment": "as billed"})
    journey.go()
    return run_id


def test_an_untouched_run_holds_wherever_it_stands(journey: Travel) -> None:
    run_id = journey.begin(mood="flaky")
    seen = [_verdict(journey, run_id)]
    journey.go()
    seen.append(_verdict(journey, run_id))
    operate.cancel(journey.rt, run_id, actor="person:ada", reason="enough")
    seen.append(_verdict(journey, run_id))
    assert all(verdict.holds for verdict in seen)
    assert [verdict.transitions for verdict in seen] == [1, 3, 4]
    assert seen[-1].head == bytes(journey.run(run_id)["transition_hash"]).hex()


def test_every_column_of_every_transition_is_guarded(journey: Travel, run_id: UUID) -> None:
    columns = journey.rows(
        "SELECT column_name AS name, data_type AS kind FROM information_schema.columns WHERE table_name = 'transitions'"
    )
    moves = journey.rows("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq", run_id)
    assert len(moves) >= 8
    unnoticed = set()
    for column in columns:
        for move in moves:
            changed = {**move, column["name"]: _changed(journey, column, move)}
            verdict = _with_move(journey, run_id, changed)
            if verdict.broken is None:
                unnoticed.add(column["name"])
            else:
                assert verdict.broken.where in (f"transition {move['seq']}", "the run's row"), column["name"]
    assert unnoticed == NO_HISTORY


def _changed(t: Travel, column: dict[str, Any], move: dict[str, Any]) -> Any:
    """Another value of the column's type, made by the database."""
    expression = FLIPS[column["kind"]].format(column=column["name"])
    row = t.one(
        f"SELECT {expression} AS v FROM transitions WHERE run_id = %s AND seq = %s", move["run_id"], move["seq"]
    )
    return row["v"]


def _with_move(t: Travel, run_id: UUID, changed: dict[str, Any]) -> Verdict:
    """The verdict with one of the run's transitions read changed."""
    run = t.one("SELECT r.*, d.data FROM runs r JOIN run_data d ON d.run_id = r.id WHERE r.id = %s", run_id)
    moves = t.rows("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq", run_id)
    places = t.rows("SELECT * FROM checkpoints WHERE run_id = %s", run_id)
    at = next(
        n for n, move in enumerate(moves) if move["hash"] == changed["hash"] or move["move_id"] == changed["move_id"]
    )
    moves[at] = changed
    broken = verify.first_broken(run, moves, places, erased=False)
    return Verdict(run_id=run_id, transitions=len(moves), checkpoints=len(places), erased=0, head="", broken=broken)


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE transition_rows SET reason = 'nobody asked' WHERE run_id = %s AND seq = 3", "transition 3"),
        ("UPDATE transition_rows SET reason = NULL WHERE run_id = %s AND seq = 3", "transition 3"),
        (
            "UPDATE transition_rows SET reason = NULL, salt_bytes = NULL, payload_sha256 = NULL WHERE run_id = %s AND seq = 3",
            "transition 3",
        ),
        ("UPDATE transition_rows SET actor = 'person:eve' WHERE run_id = %s AND seq = 6", "transition 6"),
        (
            "UPDATE transition_rows SET created_at = created_at - interval '1 day' WHERE run_id = %s AND seq = 1",
            "transition 1",
        ),
        ("DELETE FROM transitions WHERE run_id = %s AND seq = 4", "transition 4"),
        ("DELETE FROM transitions WHERE run_id = %s", "transition 1"),
        ("DELETE FROM transitions WHERE run_id = %s AND seq > 5", "the run's row"),
        ("UPDATE runs SET status = 'COMPLETE' WHERE id = %s", "the run's row"),
        ("UPDATE runs SET transition_hash = sha256('x') WHERE id = %s", "the run's row"),
        (
            'UPDATE checkpoints SET output = \'{"found": ""}\' WHERE run_id = %s AND step_seq = 1 AND call_seq = 1',
            "checkpoint 1.1",
        ),
        (
            "UPDATE checkpoints SET output_hash = NULL WHERE run_id = %s AND step_seq = 1 AND call_seq = 1",
            "checkpoint 1.1",
        ),
        ("UPDATE checkpoints SET output = NULL WHERE run_id = %s AND step_seq = 0", "checkpoint 0.0"),
        (
            "UPDATE checkpoints SET input = input #- '{cause,answer,outcome}' WHERE run_id = %s AND step_seq = 3",
            "checkpoint 3.0",
        ),
        ("DELETE FROM checkpoints WHERE run_id = %s AND step_seq = 3", "transition 6"),
        ('UPDATE checkpoints SET input = \'{"what": "else"}\' WHERE run_id = %s AND call_seq = 1', "checkpoint 1.1"),
        ("UPDATE checkpoints SET input_hash = NULL WHERE run_id = %s AND call_seq = 1", "checkpoint 1.1"),
        ("UPDATE checkpoints SET status = 'FAILED' WHERE run_id = %s AND call_seq = 1", "checkpoint 1.1"),
        ("UPDATE checkpoints SET status = 'FAILED' WHERE run_id = %s AND step_seq = 2", "checkpoint 2.0"),
        ("UPDATE checkpoints SET kind = 'step' WHERE run_id = %s AND call_seq = 2", "checkpoint 1.2"),
        ("UPDATE checkpoints SET step_name = 'SETTLING' WHERE run_id = %s AND call_seq = 1", "checkpoint 1.1"),
        ("UPDATE checkpoints SET step_name = 'SETTLING' WHERE run_id = %s AND step_seq = 2", "checkpoint 2.0"),
        ("UPDATE checkpoints SET name = 'journey.SETTLING' WHERE run_id = %s AND step_seq = 2", "checkpoint 2.0"),
        ("UPDATE checkpoints SET idempotency_key = 'lh-another' WHERE run_id = %s AND call_seq = 1", "checkpoint 1.1"),
        ("UPDATE checkpoints SET key_epoch = 1 WHERE run_id = %s AND call_seq = 1", "checkpoint 1.1"),
        ("UPDATE checkpoints SET attempt = 2 WHERE run_id = %s AND step_seq = 2", "checkpoint 2.0"),
        (
            "UPDATE checkpoints SET created_at = created_at - interval '1 s' WHERE run_id = %s AND step_seq = 2",
            "checkpoint 2.0",
        ),
        (
            "UPDATE checkpoints SET completed_at = app_now() WHERE run_id = %s AND step_seq = 1 AND call_seq = 0",
            "checkpoint 1.0",
        ),
        ("UPDATE checkpoints SET step_seq = 9 WHERE run_id = %s AND call_seq = 2", "checkpoint 9.2"),
        ("UPDATE runs SET workflow = 'another' WHERE id = %s", "checkpoint 0.0"),
        ("UPDATE runs SET created_at = created_at - interval '1 day' WHERE id = %s", "the run's row"),
        ("UPDATE runs SET finished_at = app_now() WHERE id = %s", "the run's row"),
        ('UPDATE run_data SET data = data || \'{"amount": "99999"}\' WHERE run_id = %s', "the run's data"),
        ("UPDATE runs SET data_step = 0 WHERE id = %s", "the run's data"),
        ("UPDATE runs SET data_step = NULL WHERE id = %s", "the run's data"),
    ],
)
def test_what_an_intruder_changes_is_found(journey: Travel, run_id: UUID, statement: str, where: str) -> None:
    assert _verdict(journey, run_id).holds
    journey.tamper(statement, run_id)
    broken = _verdict(journey, run_id).broken
    assert broken is not None
    assert broken.where == where


def test_an_output_changed_together_with_its_hash_is_found_by_the_chain(journey: Travel, run_id: UUID) -> None:
    output = canonical({"outcome": "gathered", "data": {"amount": "99999"}})
    journey.tamper(
        "UPDATE checkpoints SET output = %s::jsonb, output_hash = encode(sha256(convert_to(%s, 'UTF8')), 'hex') "
        "WHERE run_id = %s AND step_seq = 1 AND call_seq = 0",
        output,
        output,
        run_id,
    )
    broken = _verdict(journey, run_id).broken
    assert broken is not None
    assert broken.where == "checkpoint 1.0"


def test_content_kept_by_reference_is_checked_where_it_lies(journey: Travel, run_id: UUID) -> None:
    sha256 = "f" * 64
    reference = canonical({"$blob": sha256, "size": 3})
    journey.tamper("INSERT INTO blobs VALUES (%s, 3, 'abc', app_now())", sha256)
    journey.tamper(
        "UPDATE checkpoints SET output = %s::jsonb, output_hash = encode(sha256(convert_to(%s, 'UTF8')), 'hex') "
        "WHERE run_id = %s AND step_seq = 1 AND call_seq = 1",
        reference,
        reference,
        run_id,
    )
    broken = _verdict(journey, run_id).broken
    assert broken is not None
    assert sha256 in broken.what


def test_an_erased_run_still_verifies_and_a_half_erased_one_does_not(journey: Travel, run_id: UUID) -> None:
    operate.cancel(journey.rt, run_id, actor="person:ada", reason="withdrawn")
    owner = Database(journey.url, "owner")
    purge(owner, run_id, actor="person:ada", reason="asked to", forget_document=lambda _: False)
    owner.close()
    verdict = _verdict(journey, run_id)
    assert verdict.holds
    assert verdict.erased == verdict.transitions - len(
        journey.rows("SELECT 1 AS one FROM transitions WHERE event = 'lease taken' AND run_id = %s", run_id)
    )
    journey.tamper("UPDATE transition_rows SET actor = 'person:eve' WHERE run_id = %s AND seq = 6", run_id)
    assert not _verdict(journey, run_id).holds


def test_no_run_no_verdict(journey: Travel) -> None:
    with pytest.raises(NotFound):
        _verdict(journey, UUID(int=7))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_JSON)
def test_what_comes_back_from_the_store_hashes_as_what_went_in(admin_url: str, value: Any) -> None:
    """Else an honest output would look forged: jsonb writes numbers in its own way."""
    text = canonical(value)
    with connect(admin_url, "owner") as db:
        row = db.execute("SELECT %s::jsonb AS v", [text]).fetchone()
    assert row is not None
    assert canonical(restore(row["v"])) == text
