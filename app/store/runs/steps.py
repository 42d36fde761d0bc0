"""The hot path of a step: take the lease, read its journal, write an intent, write a result.

The law: every write names the lease token, and a token that no longer stands writes nothing. Intent and result are
taken from `(SELECT … FROM runs WHERE id AND lease_token FOR NO KEY UPDATE)`, so a zombie's statement finds no row.
No lease is given to a worker that others have given up: nobody would look for it any more.
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
        r.transition_hash, r.attempt AS tries, r.deadline_at, clock.at
), logged AS (
    INSERT INTO transitions (run_id, seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor,
        reason_digest, payload_digest, move_id, hash, created_at)
    SELECT id, transition_seq, %(event)s, state, %(ready)s, state, %(running)s, step_seq, tries, %(actor)s,
        %(empty_digest)s, %(empty_digest)s, %(token)s, transition_hash, at FROM moved
)
SELECT * FROM moved"""

_MINE = f"SELECT {COLUMNS}, deadline_at, updated_at AS at FROM runs WHERE id = %(id)s AND lease_token = %(token)s"
# The step's journal; the run's data beside the step's own row. What the lease saw may be older than this statement.
_JOURNAL = """
SELECT c.call_seq, c.kind, c.name, c.status, c.input_hash, c.input, c.output, c.output_hash, c.idempotency_key, c.key_epoch,
    c.key_valid_until, c.action_id, c.lease_token, c.created_at, c.intent_at, c.errors,
    CASE WHEN c.call_seq = 0 THEN (SELECT d.data FROM run_data d WHERE d.run_id = %(id)s) END AS data
FROM checkpoints c WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s ORDER BY c.call_seq"""

_INTENT = """
INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input_hash, input, idempotency_key, key_epoch,
    key_valid_until, action_id, attempt, lease_token, model, prompt_version, created_at, intent_at)
SELECT %(id)s, %(step_seq)s, %(call_seq)s, %(step_name)s, %(kind)s, %(name)s, 'INTENT', %(input_hash)s, %(input)s::jsonb, %(key)s,
    %(key_epoch)s, clock.at + make_interval(secs => %(key_seconds)s::float8), %(action)s::uuid, %(attempt)s, %(token)s, %(model)s,
    %(prompt_version)s, clock.at, clock.at
FROM (SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease, (SELECT app_now() AS at) clock
ON CONFLICT (run_id, step_seq, call_seq) DO NOTHING
RETURNING created_at, intent_at, key_valid_until"""

# An irreversible intent: no cancel may be asked for, and the row says so in the same statement, as cancel requires.
_IRREVERSIBLE = """
WITH lease AS (
    UPDATE runs SET irreversible_since = coalesce(irreversible_since, app_now())
    WHERE id = %(id)s AND lease_token = %(token)s AND NOT cancel_requested RETURNING id
)""" + _INTENT.replace(
    "(SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease", "lease"
)

# A call that surely did not happen, or that a person gave back, goes to INTENT again; its errors are kept.
_REOPEN = """
UPDATE checkpoints c SET status = 'INTENT', attempt = %(attempt)s, lease_token = %(token)s, intent_at = app_now()
FROM (SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# An irreversible one stands again from here on: a cancel was possible while it was FAILED. It names its action, so that
# the ledger looks at it again whatever the row says.
_REOPEN_IRREVERSIBLE = """
WITH lease AS (
    UPDATE runs SET irreversible_since = coalesce(irreversible_since, app_now())
    WHERE id = %(id)s AND lease_token = %(token)s AND NOT cancel_requested RETURNING id
)""" + _REOPEN.replace(
    "(SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease", "lease"
).replace("SET status = 'INTENT'", "SET status = 'INTENT', action_id = %(action)s::uuid")

# A question that no model answered, put to another one. What it said before is not lost: the note says whom it was for.
_REDIRECT = _REOPEN.replace(
    "SET status = 'INTENT'",
    "SET status = 'INTENT', input = %(input)s::jsonb, input_hash = %(input_hash)s, model = %(model)s, "
    "errors = c.errors || %(errors)s::jsonb",
)

_RESULT = """
UPDATE checkpoints c SET status = %(status)s, output = %(output)s::jsonb, output_hash = %(output_hash)s, completed_at = app_now(),
    lease_token = %(token)s, latency_ms = %(latency_ms)s,
    tokens_in = coalesce(c.tokens_in + %(tokens_in)s::bigint, c.tokens_in, %(tokens_in)s),
    tokens_out = coalesce(c.tokens_out + %(tokens_out)s::bigint, c.tokens_out, %(tokens_out)s),
    cost = CASE WHEN c.tokens_in IS NULL THEN %(cost)s::numeric WHEN %(tokens_in)s::bigint IS NULL THEN c.cost ELSE c.cost + %(cost)s END,
    errors = c.errors || %(errors)s::jsonb
FROM (SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.completed_at"""
_DATE_INTENT = """
UPDATE checkpoints c SET intent_at = app_now()
FROM (SELECT 1 FROM runs WHERE id = %(id)s AND lease_token = %(token)s FOR NO KEY UPDATE) lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.intent_at > app_now() RETURNING c.intent_at"""
_STANDS_NO_LONGER = """
UPDATE runs r SET irreversible_since = NULL WHERE r.id = %(id)s AND r.lease_token = %(token)s AND NOT EXISTS (
    SELECT 1 FROM checkpoints c WHERE c.run_id = %(id)s AND c.action_id IS NOT NULL AND c.status IN ('INTENT', 'UNKNOWN', 'COMPLETE'))
RETURNING r.id"""
_CALL = "SELECT * FROM checkpoints WHERE run_id = %(id)s AND step_seq = %(step_seq)s AND call_seq = %(call_seq)s"

_MAY_REOPEN = (CheckpointStatus.FAILED, CheckpointStatus.UNKNOWN, CheckpointStatus.INTENT)


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


def intent(
    place: Place,
    *,
    step_name: str,
    kind: CheckpointKind,
    name: str,
    input_text: str,
    key: str | None = None,
    key_epoch: int = 0,
    key_seconds: float | None = None,
    action: UUID | None = None,
    model: str | None = None,
    prompt_version: str | None = None,
) -> Statement:
    """The intent of a new call. No row: the lease is lost, a row stands there already, or a cancel came before an irreversible one."""
    text = _IRREVERSIBLE if action else _INTENT
    return text, place.params() | {
        "step_name": step_name,
        "kind": kind.value,
        "name": name,
        "input_hash": digest(input_text),
        "input": input_text,
        "key": key,
        "key_epoch": key_epoch,
        "key_seconds": key_seconds,
        "action": action,
        "model": model,
        "prompt_version": prompt_version,
    }


def reopen(place: Place, *, action: UUID | None, come_from: tuple[CheckpointStatus, ...] = _MAY_REOPEN) -> Statement:
    """A call found FAILED (certainly without effect) or due for repetition under its key becomes an INTENT of this attempt."""
    return _REOPEN_IRREVERSIBLE if action else _REOPEN, place.params() | {
        "from": [status.value for status in come_from],
        "action": action,
    }


def redirect(place: Place, *, input_text: str, model: str | None, note: str) -> Statement:
    """A model's call that was never answered becomes an INTENT to another model; `note` (JSON) is appended to its errors."""
    return _REDIRECT, place.params() | {
        "from": [CheckpointStatus.FAILED.value, CheckpointStatus.INTENT.value],
        "input": input_text,
        "input_hash": digest(input_text),
        "model": model,
        "errors": f"[{note}]",
    }


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


def date_intent(place: Place) -> Statement:
    """An intent that lies in the future was written before the clock was set back: it counts from now on."""
    return _DATE_INTENT, place.params()


def stands_no_longer(place: Place) -> Statement:
    """After an irreversible call certainly failed: the run may be cancelled again, unless another such call stands."""
    return _STANDS_NO_LONGER, place.params()


def call(place: Place) -> Statement:
    """The call's row as it is."""
    return _CALL, place.params()
