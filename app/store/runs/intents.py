"""The intent of a call: committed before anything is sent. A statement for each way in which one is begun.

The law: an intent is written only under a lease that stands (`STANDING_LEASE`), and a call has one row. An irreversible
one marks its run in the same statement, and not once a cancel was asked for; one that spends reserves its tokens on the
root run in the same statement, or is not written.

    begun                            plain        irreversible            with tokens reserved
    for the first time               _INTENT      _IRREVERSIBLE_INTENT    _RESERVING_INTENT
    again, under its key             _REOPEN      _IRREVERSIBLE_REOPEN    _RESERVING_REOPEN
    again, put to another model      _REDIRECT    (no action is asked)    _RESERVING_REDIRECT
"""

from __future__ import annotations

from uuid import UUID

from app.core.canonical import digest
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store.runs.budgets import HAS_ROOM, Reservation
from app.store.runs.moves import Statement
from app.store.runs.steps import STANDING_LEASE, Place

_COLUMNS = """run_id, step_seq, call_seq, step_name, kind, name, status, input_hash, input, idempotency_key, key_epoch,
    key_valid_until, action_id, attempt, lease_token, model, prompt_version, created_at, intent_at"""
_VALUES = """%(id)s, %(step_seq)s, %(call_seq)s, %(step_name)s, %(kind)s, %(name)s, 'INTENT', %(input_hash)s, %(input)s::jsonb, %(key)s,
    %(key_epoch)s, clock.at + make_interval(secs => %(key_seconds)s::float8), %(action)s::uuid, %(attempt)s, %(token)s, %(model)s,
    %(prompt_version)s, clock.at, clock.at"""

# The call: no row -> INTENT. No row comes back: the lease is lost, or the call has a row already.
_INTENT = f"""
INSERT INTO checkpoints ({_COLUMNS})
SELECT {_VALUES}
FROM {STANDING_LEASE} lease, (SELECT app_now() AS at) clock
ON CONFLICT (run_id, step_seq, call_seq) DO NOTHING
RETURNING created_at, intent_at, key_valid_until"""

# The call: no row -> INTENT; its run cannot be cancelled from then on, as its row says. No row comes back: the lease is
# lost, a cancel was asked for, or the call has a row already.
_IRREVERSIBLE_INTENT = f"""
WITH lease AS (
    UPDATE runs SET irreversible_since = coalesce(irreversible_since, app_now())
    WHERE id = %(id)s AND lease_token = %(token)s AND NOT cancel_requested RETURNING id
)
INSERT INTO checkpoints ({_COLUMNS})
SELECT {_VALUES}
FROM lease, (SELECT app_now() AS at) clock
ON CONFLICT (run_id, step_seq, call_seq) DO NOTHING
RETURNING created_at, intent_at, key_valid_until"""

# The call: no row -> INTENT, its tokens reserved on the root run. No row comes back: the lease is lost, the call has a
# row already, or the budget has no room.
_RESERVING_INTENT = f"""
WITH lease AS {STANDING_LEASE},
held AS (
    UPDATE runs r SET tokens_reserved = r.tokens_reserved + %(reserve)s
    WHERE r.id = %(root)s AND EXISTS (SELECT 1 FROM lease) AND {HAS_ROOM} AND NOT EXISTS (SELECT 1 FROM checkpoints c
    WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s) RETURNING 1
)
INSERT INTO checkpoints ({_COLUMNS}, tokens_reserved)
SELECT {_VALUES}, %(reserve)s
FROM held, (SELECT app_now() AS at) clock
ON CONFLICT (run_id, step_seq, call_seq) DO NOTHING
RETURNING created_at, intent_at, key_valid_until"""

# The call: FAILED (certainly without effect), UNKNOWN or INTENT (due for repetition), as told -> INTENT of this attempt;
# its errors are kept. No row comes back: the lease is lost, or the call has another status.
_REOPEN = f"""
UPDATE checkpoints c SET status = 'INTENT', attempt = %(attempt)s, lease_token = %(token)s, intent_at = app_now()
FROM {STANDING_LEASE} lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# As _REOPEN, and its run cannot be cancelled from then on: it could while the call was FAILED. The call names its action,
# so that the ledger looks at it again whatever the row says. No row comes back: as of _REOPEN, or a cancel was asked for.
_IRREVERSIBLE_REOPEN = """
WITH lease AS (
    UPDATE runs SET irreversible_since = coalesce(irreversible_since, app_now())
    WHERE id = %(id)s AND lease_token = %(token)s AND NOT cancel_requested RETURNING id
)
UPDATE checkpoints c SET status = 'INTENT', action_id = %(action)s::uuid, attempt = %(attempt)s, lease_token = %(token)s,
    intent_at = app_now()
FROM lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# What a call that is asked again reserves. One found INTENT or UNKNOWN was lost on its way: what it had reserved stays
# beside the new reservation, and it counts as repeated. Its row under this very token is ours, from before a lost answer.
_RESERVED_AGAIN = f"""
WITH lease AS {STANDING_LEASE},
held AS (
    UPDATE runs r SET tokens_reserved = r.tokens_reserved + %(reserve)s
    WHERE r.id = %(root)s AND EXISTS (SELECT 1 FROM lease) AND {HAS_ROOM} AND EXISTS (SELECT 1 FROM checkpoints c
    WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
    AND c.lease_token IS DISTINCT FROM %(token)s) RETURNING 1
)"""

# As _REOPEN, its tokens reserved on the root run. No row comes back: as of _REOPEN, the budget has no room, or the call
# was reopened under this lease already.
_RESERVING_REOPEN = f"""{_RESERVED_AGAIN}
UPDATE checkpoints c SET status = 'INTENT', attempt = %(attempt)s, lease_token = %(token)s, intent_at = app_now(),
    tokens_reserved = c.tokens_reserved + %(reserve)s, repeated = c.repeated + (c.status <> 'FAILED')::int
FROM held
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# The call, a question that no model answered: FAILED or INTENT -> INTENT to another model. Its errors are kept, and the
# note among them says whom it was for. No row comes back: the lease is lost, or the call has another status.
_REDIRECT = f"""
UPDATE checkpoints c SET status = 'INTENT', input = %(input)s::jsonb, input_hash = %(input_hash)s, model = %(model)s,
    errors = c.errors || %(errors)s::jsonb, attempt = %(attempt)s, lease_token = %(token)s, intent_at = app_now()
FROM {STANDING_LEASE} lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# As _REDIRECT, its tokens reserved on the root run. No row comes back: as of _REDIRECT, the budget has no room, or the
# call was reopened under this lease already.
_RESERVING_REDIRECT = f"""{_RESERVED_AGAIN}
UPDATE checkpoints c SET status = 'INTENT', input = %(input)s::jsonb, input_hash = %(input_hash)s, model = %(model)s,
    errors = c.errors || %(errors)s::jsonb, attempt = %(attempt)s, lease_token = %(token)s, intent_at = app_now(),
    tokens_reserved = c.tokens_reserved + %(reserve)s, repeated = c.repeated + (c.status <> 'FAILED')::int
FROM held
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.status = ANY (%(from)s)
RETURNING c.created_at, c.intent_at, c.key_valid_until"""

# Leaves the call at INTENT. No row comes back: the lease is lost, or its intent does not lie in the future.
_DATE_INTENT = f"""
UPDATE checkpoints c SET intent_at = app_now()
FROM {STANDING_LEASE} lease
WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = %(call_seq)s AND c.intent_at > app_now() RETURNING c.intent_at"""


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
    reserves: Reservation | None = None,
) -> Statement:
    """The intent of a new call; irreversible with an `action`.

    No row: the lease is lost, a row stands there already, a cancel came before an irreversible one, or there is no room
    for what it reserves.
    """
    assert not (action and reserves), "an irreversible call spends no tokens"
    text = _IRREVERSIBLE_INTENT if action else _RESERVING_INTENT if reserves else _INTENT
    return text, {
        **place.params(),
        **(reserves.params() if reserves else {}),
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


def reopen(
    place: Place,
    *,
    action: UUID | None,
    come_from: tuple[CheckpointStatus, ...] = (
        CheckpointStatus.FAILED,
        CheckpointStatus.UNKNOWN,
        CheckpointStatus.INTENT,
    ),
    reserves: Reservation | None = None,
) -> Statement:
    """A call found FAILED (certainly without effect) or due for repetition under its key becomes an INTENT of this attempt."""
    assert not (action and reserves), "an irreversible call spends no tokens"
    text = _IRREVERSIBLE_REOPEN if action else _RESERVING_REOPEN if reserves else _REOPEN
    return text, {
        **place.params(),
        **(reserves.params() if reserves else {}),
        "from": [status.value for status in come_from],
        "action": action,
    }


def redirect(
    place: Place, *, input_text: str, model: str | None, note: str, reserves: Reservation | None = None
) -> Statement:
    """A model's call that was never answered becomes an INTENT to another model; `note` (JSON) is appended to its errors."""
    return _RESERVING_REDIRECT if reserves else _REDIRECT, {
        **place.params(),
        **(reserves.params() if reserves else {}),
        "from": [CheckpointStatus.FAILED.value, CheckpointStatus.INTENT.value],
        "input": input_text,
        "input_hash": digest(input_text),
        "model": model,
        "errors": f"[{note}]",
    }


def date_intent(place: Place) -> Statement:
    """An intent that lies in the future was written before the clock was set back: it counts from now on."""
    return _DATE_INTENT, place.params()
