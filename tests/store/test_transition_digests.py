"""What a transition's digests follow from is stored, and they are not; everybody reads them all the same, also of rows that have them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.canonical import digest
from app.engine.control import operate
from app.engine.control.purge import purge
from app.store.database import Role, connect
from app.store.records import verify
from tests.support.journey import Travel

_READ = "SELECT * FROM transitions WHERE run_id = %s ORDER BY seq"
_STORED = "SELECT reason_digest, payload_digest FROM transition_rows WHERE run_id = %s ORDER BY seq"
# As the release before left them.
_DIGESTS_OF_BEFORE = """UPDATE transition_rows r SET reason_digest = t.reason_digest, payload_digest = t.payload_digest
FROM transitions t WHERE (t.run_id, t.seq) = (r.run_id, r.seq) AND r.run_id = %s AND r.seq %% 2 = 0"""
_WRITTEN_BEFORE = """
INSERT INTO transitions (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason,
    salt, reason_digest, payload_hash, payload_digest, move_id, hash, created_at)
SELECT run_id, seq + 100, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason,
    salt, reason_digest, payload_hash, payload_digest, move_id, hash, created_at FROM transitions WHERE run_id = %s AND seq <= 100"""


@pytest.fixture
def run_id(journey: Travel) -> UUID:
    """A run with leases and moves, one of them with a reason."""
    run_id = journey.begin()
    journey.go()
    operate.cancel(journey.rt, run_id, actor="person:ada", reason="withdrawn")
    return run_id


def _holds(t: Travel, run_id: UUID) -> bool:
    return t.rt.database.transact(lambda db: verify.verify(db, run_id)).holds


def test_digests_that_follow_from_their_row_are_read_and_not_stored(journey: Travel, run_id: UUID) -> None:
    assert all(stored == {"reason_digest": None, "payload_digest": None} for stored in journey.rows(_STORED, run_id))
    moves = journey.rows(_READ, run_id)
    assert {move["reason"] for move in moves} >= {None, "withdrawn"}
    for move in moves:
        salt, reason, payload = move["salt"] or "", move["reason"] or "", move["payload_hash"] or ""
        assert (move["reason_digest"], move["payload_digest"]) == (digest(salt + reason), digest(salt + payload))
        assert bool(salt) == (move["event"] != "lease taken")


def test_a_history_that_two_releases_wrote_verifies_and_is_erased_as_one(journey: Travel, run_id: UUID) -> None:
    before = journey.rows(_READ, run_id)
    journey.tamper(_DIGESTS_OF_BEFORE, run_id)
    assert [row["reason_digest"] is not None for row in journey.rows(_STORED, run_id)] == [
        move["seq"] % 2 == 0 for move in before
    ]
    assert journey.rows(_READ, run_id) == before
    assert _holds(journey, run_id)
    purge(journey.rt.database, run_id, actor="person:ada", reason="asked to", forget_document=lambda _: False)
    after = journey.rows(_READ, run_id)
    gone = {"reason": None, "salt": None, "payload_hash": None}
    assert after == [move | gone for move in before], "what the chain covers stays"
    assert _holds(journey, run_id)


@pytest.mark.parametrize("role", ["worker", "web"])
def test_a_process_of_the_release_before_writes_and_reads_its_own(journey: Travel, run_id: UUID, role: Role) -> None:
    with connect(journey.url, role) as db, db.transaction():
        db.execute(_WRITTEN_BEFORE, [run_id])
        moves: list[dict[str, Any]] = db.execute(_READ, [run_id]).fetchall()
    ours, theirs = moves[: len(moves) // 2], moves[len(moves) // 2 :]
    assert theirs == [move | {"seq": move["seq"] + 100} for move in ours]
    assert all(stored["reason_digest"] for stored in journey.rows(_STORED, run_id)[len(ours) :])


def test_an_update_by_the_release_before_leaves_the_rest_of_a_row_as_it_is_stored(
    journey: Travel, run_id: UUID
) -> None:
    """What it erases, it erases by the view: the columns it does not name stay bytes."""
    before = journey.rows(_READ, run_id)
    with connect(journey.url, "owner") as db, db.transaction():
        db.execute("SELECT set_config('longhaul.erasing', 'on', true)")
        db.execute("UPDATE transitions SET reason = NULL, salt = NULL, payload_hash = NULL WHERE run_id = %s", [run_id])
    assert journey.rows(_READ, run_id) == [
        move | {"reason": None, "salt": None, "payload_hash": None} for move in before
    ]
    stored = journey.rows("SELECT actor, worker_id, salt_bytes, payload_sha256 FROM transition_rows ORDER BY seq")
    assert [row["worker_id"] is not None for row in stored] == [m["actor"].startswith("worker:") for m in before]
    assert all((row["actor"] is None) == (row["worker_id"] is not None) for row in stored)
    assert {(row["salt_bytes"], row["payload_sha256"]) for row in stored} == {(None, None)}
