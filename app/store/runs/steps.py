"""The hot path of a step: take the lease, read the step's journal, write a call's result. Intents: `intents.py`.

The law: every write names the lease token, and a token that no longer stands writes nothing. A call's row is written
from STANDING_LEASE, so the statement of a worker that lost its lease finds no row. No lease is given to a worker that
others have given up: nobody would look for it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import digest, restore
from app.core.lifecycle import EventKind, Status
from app.core.statuses import BEGUN, CheckpointKind, CheckpointStatus
from app.store.runs.moves import Statement
from app.store.runs.runs import COLUMNS

STANDING_LEASE = "(SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE)"
"""What a write under a lease is taken from: the run's row, locked, while the lease stands; no row after that."""

# The run: READY at this step -> RUNNING under the token. No row: it is not READY at this step, somebody has its row
# locked, or the worker was given up.
_LEASE = f"""
WITH clock AS MATERIALIZED (SELECT app_now() AS at),
locked AS (
    SELECT id FROM runs WHERE id = %(id)s AND step_seq = %(step_seq)s AND status = %(ready)s
        AND NOT EXISTS (SELECT 1 FROM workers WHERE id = %(worker)s AND gone_at IS NOT NULL) FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
    UPDATE runs r SET status = %(running)s, lease_token = %(token)s, worker_id = %(worker)s, ready_at = NULL,
        deadline_at = clock.at + make_interval(secs => %(timeout)s), crash_attempts = r.crash_attempts + 1,
        transition_seq = r.transition_seq + 1, updated_at = clock.at,
        transition_hash = app_chain(r.transition_hash, r.id, r.transition_seq + 1, %(event)s, r.state, r.status, r.state, %(running)s,
            r.step_seq, %(actor)s, clock.at, %(empty_digest)s, %(empty_digest)s)
    FROM clock, locked WHERE r.id = %(id)s AND r.id = locked.id
    RETURNING {", ".join("r." + name.strip() for name in COLUMNS.split(","))},
        r.transition_hash, r.attempt AS tries, clock.at
), logged AS (
    INSERT INTO transition_rows (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, worker_id,
        move_id, hash, created_at)
    SELECT id, transition_seq, %(event)s, state, %(ready)s, state, %(running)s, step_seq, tries, %(worker)s,
        %(token)s, transition_hash, at FROM moved
)
SELECT {COLUMNS}, transition_hash, at FROM moved"""

# Changes nothing. No row: the lease was not taken, or stands no longer.
_MINE = f"SELECT {COLUMNS}, transition_hash, updated_at AS at FROM runs WHERE id = %(id)s AND lease_token = %(token)s"

# Changes nothing. The step's journal; the run's data beside the step's own row. What the lease saw may be older than
# this statement.
_JOURNAL = """
SELECT c.call_seq, c.kind, c.name, c.status, c.input_hash, c.input, c.output, c.output_hash, c.idempotency_key, c.key_epoch,
    c.key_valid_until, c.action_id, c.lease_token, c.created_at, c.intent_at, c.errors,
    CASE WHEN c.call_seq = 0 THEN (SELECT d.data FROM run_data d WHERE d.run_id = %(id)s) END AS data
FROM checkpoints c WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s ORDER BY c.call_seq"""

# The call: INTENT or UNKNOWN -> COMPLETE, FAILED or UNKNOWN. No row: the lease is lost, or the call has its result.
_RESULT = f"""
UPDATE checkpoints c SET status = %(status)s, output = %(output)s::jsonb, output_hash = %(output_hash)s, completed_at = app_now(),
    lease_token = %(token)s, latency_ms = %(latency_ms)s,
    tokens_in = coalesce(c.tokens_in + %(tokens_in)s::bigint, c.tokens_in, %(tokens_in)s),
    tokens_out = coalesce(c.tokens_out + %(tokens_out)s::bigint, c.tokens_out, %(tokens_out)s),
    cost = CASE WHEN c.tokens_in IS NULL THEN %(cost)s::numeric WHEN %(tokens_in)s::bigint IS NULL THEN c.cost ELSE c.cost + %(cost)s END,
    errors = c.errors || %(errors)s::jsonb
FROM {STANDING_LEASE} lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.completed_at"""

# Leaves every status as it is: the run may be cancelled from now on. No row: the lease is lost, or an irreversible call
# of the run is INTENT, UNKNOWN or COMPLETE.
_STANDS_NO_LONGER = """
UPDATE runs r SET irreversible_since = NULL WHERE r.id = %(id)s AND r.lease_token = %(token)s AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.run_id = %(id)s AND c.action_id IS NOT NULL AND c.status IN ('INTENT', 'UNKNOWN', 'COMPLETE'))
RETURNING r.id"""

# Changes nothing. No row: the call was never begun.
_CALL = "SELECT * FROM checkpoints WHERE run_id = %(id)s AND step_seq = %(step_seq)s AND call_seq = %(call_seq)s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a call stands: its run, step and number, and the lease under which it is written."""

    run_id: UUID
    step_seq: int
    call_seq: int
    token: UUID
    attempt: int

    def params(self) -> dict[str, Any]:
        return {
            "id": self.run_id,
            "step_seq": self.step_seq,
            "call_seq": self.call_seq,
            "token": self.token,
            "attempt": self.attempt,
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A row of the journal, its payloads restored."""

    call_seq: int
    kind: CheckpointKind
    name: str
    status: CheckpointStatus
    input_hash: str | None
    input: Any
    output: Any
    output_hash: str | None
    key: str | None
    key_epoch: int
    key_valid_until: datetime | None
    action_id: UUID | None
    lease_token: UUID | None
    created_at: datetime
    intent_at: datetime | None
    errors: list[Any]


def as_checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    """A row of `checkpoints`."""
    return Checkpoint(
        row["call_seq"],
        CheckpointKind(row["kind"]),
        row["name"],
        CheckpointStatus(row["status"]),
        row["input_hash"],
        restore(row["input"]),
        restore(row["output"]),
        row["output_hash"],
        row["idempotency_key"],
        row["key_epoch"],
        row["key_valid_until"],
        row["action_id"],
        row["lease_token"],
        row["created_at"],
        row["intent_at"],
        row["errors"],
    )


def entered(name: str, received: Any, at: datetime) -> Checkpoint:
    """The row that a move has just made for the step it enters. name: the task's; received: what led to it."""
    return Checkpoint(
        call_seq=0,
        kind=CheckpointKind.STEP,
        name=name,
        status=CheckpointStatus.INTENT,
        input_hash=None,
        input=received,
        output=None,
        output_hash=None,
        key=None,
        key_epoch=0,
        key_valid_until=None,
        action_id=None,
        lease_token=None,
        created_at=at,
        intent_at=None,
        errors=[],
    )


def lease(run_id: UUID, step_seq: int, *, token: UUID, worker: UUID, timeout_seconds: float) -> tuple[Statement, ...]:
    """READY at this step -> RUNNING under `token`; then the step's journal with the run's data, read by a statement of its own."""
    params = {
        "id": run_id,
        "step_seq": step_seq,
        "token": token,
        "worker": worker,
        "timeout": timeout_seconds,
        "actor": f"worker:{worker}",
        "ready": Status.READY.value,
        "running": Status.RUNNING.value,
        "event": EventKind.LEASE_TAKEN.value,
        "empty_digest": digest(""),
    }
    return (_LEASE, params), (_JOURNAL, params)


def leased(run_id: UUID, step_seq: int, token: UUID) -> tuple[Statement, ...]:
    """What `lease` would have returned, if its commit went through unseen."""
    params = {"id": run_id, "step_seq": step_seq, "token": token}
    return (_MINE, params), (_JOURNAL, params)


def result(
    place: Place,
    *,
    status: CheckpointStatus,
    output: str | None = None,
    error: str | None = None,
    latency_ms: float | None = None,
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    cost: Any = None,
) -> Statement:
    """INTENT or UNKNOWN -> COMPLETE, FAILED or UNKNOWN. A COMPLETE result is never overwritten."""
    return _RESULT, place.params() | {
        "status": status.value,
        "output": output,
        "output_hash": digest(output) if output is not None else None,
        "errors": f"[{error}]" if error is not None else "[]",
        "latency_ms": latency_ms,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": cost,
        "from": [status.value for status in BEGUN],
    }


def stands_no_longer(place: Place) -> Statement:
    """After an irreversible call certainly failed: the run may be cancelled again, unless another such call stands."""
    return _STANDS_NO_LONGER, place.params()


def call(place: Place) -> Statement:
    """The call's row as it is."""
    return _CALL, place.params()
