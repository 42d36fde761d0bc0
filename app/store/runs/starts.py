"""Runs that begin: the one statement by which any number of them is inserted.

The law: with a run's row go, in the same statement, its first transition and link of the hash chain, its data, the intent of
its first step, the names it is found by and the key under which it was asked for. A run that is not inserted has none of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from app.core import ids
from app.core.canonical import digest
from app.core.lifecycle import EventKind
from app.store.runs.moves import Statement

T = TypeVar("T")
BATCH_RUNS = 500  # in one statement
BATCH_CHARACTERS = 4_000_000  # of their data, and what the last of them has more

_INSERT = """
WITH clock AS MATERIALIZED (SELECT app_now() AS at),
given AS MATERIALIZED (
    SELECT g.id, g.subject, g.text::jsonb AS data, g.salt, g.reason_digest, g.payload_hash, g.payload_digest, g.move_id, g.key, g.body,
        g.names::jsonb AS names, g.place
    FROM unnest(%(ids)s::uuid[], %(subjects)s::text[], %(data)s::text[], %(salts)s::text[], %(reason_digests)s::text[],
        %(payload_hashes)s::text[], %(payload_digests)s::text[], %(move_ids)s::uuid[], %(keys)s::text[], %(bodies)s::text[],
        %(names)s::text[]) WITH ORDINALITY
        AS g(id, subject, text, salt, reason_digest, payload_hash, payload_digest, move_id, key, body, names, place)
),
made AS (
    INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, ready_at,
        expected_seconds, token_budget, priority, parent_run_id, parent_step_seq, forked_from, data_step, transition_seq,
        transition_hash, created_at, updated_at)
    SELECT g.id, %(workflow)s, %(version)s, %(definition_hash)s, g.subject, %(state)s, 'READY', 1, %(queue)s, at,
        %(expected)s, %(budget)s, %(priority)s, %(parent)s, %(parent_step_seq)s, %(forked_from)s, 0, 1,
        app_chain(''::bytea, g.id, 1, %(event)s, NULL, NULL, %(state)s, 'READY', 1, %(actor)s, at, g.reason_digest, g.payload_digest),
        at, at
    FROM clock, given g"""
# What is written with a run in the same statement: its first transition, what it was started with, which are its data, and
# the intent of its first step.
_WITH_IT = """
    RETURNING id, transition_hash, created_at
), born AS (
    SELECT g.*, made.transition_hash, made.created_at FROM made JOIN given g USING (id)
), logged AS (
    INSERT INTO transition_rows (run_id, seq, event, to_state, to_status, step_seq, attempt, actor, reason, salt_bytes, payload_sha256,
        move_id, hash, created_at)
    SELECT id, 1, %(event)s, %(state)s, 'READY', 1, 1, %(actor)s, %(reason)s, decode(salt, 'hex'), decode(payload_hash, 'hex'),
        move_id, transition_hash, created_at FROM born
), start AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, output, output_hash, created_at, completed_at)
    SELECT id, 0, 0, 'START', 'start', %(workflow)s, 'COMPLETE', jsonb_build_object('data', data) || %(origin)s::jsonb,
        payload_hash, created_at, created_at FROM born
), entered AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at)
    SELECT id, 1, 0, %(state)s, 'step', %(workflow)s || '.' || %(state)s, 'INTENT',
        coalesce(%(entered)s::jsonb, jsonb_build_object('cause', jsonb_build_object('event', %(event)s::text))),
        created_at FROM born
)"""
# And with a run of a subject: the names by which it is found, and the key under which it was asked for. A key that a rival
# committed meanwhile is no row to pass over, as the run beside it must not stay: it raises, and nothing is written.
_KNOWN_BY = """, named AS (
    INSERT INTO run_names (name, run_id, kind, created_at)
    SELECT n.name, born.id, n.kind, born.created_at FROM born, jsonb_to_recordset(born.names) AS n(name text, kind text)
    ON CONFLICT DO NOTHING
), kept AS (
    INSERT INTO idempotency_keys (scope, key, body_hash, answer, created_at)
    SELECT %(scope)s, key, body, jsonb_build_object('run_id', id::text), created_at FROM born WHERE key IS NOT NULL ORDER BY key
)"""
_WHICH = "\nSELECT id, created_at FROM made"

# Runs of subjects: none -> READY at their first state. No row: the workflow has a run of this subject, or under this key.
# In one order, whoever else starts the same ones: then one waits for the other and no deadlock comes of it.
# Of one subject the first that is given.
_START = f"""{_INSERT}
    WHERE (SELECT k.key FROM idempotency_keys k WHERE k.scope = %(scope)s AND k.key = g.key) IS NULL
    ORDER BY g.subject, g.place
    ON CONFLICT (workflow, subject) WHERE parent_run_id IS NULL AND forked_from IS NULL DO NOTHING{_WITH_IT}{_KNOWN_BY}{_WHICH}"""

# Children or a fork: none -> READY at their first state. No row: a run of this id is there, from before a lost answer.
_START_FROM_ANOTHER = f"""{_INSERT}
    ON CONFLICT (id) DO NOTHING{_WITH_IT}{_WHICH}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """A run to insert, with its first data (a canonical text).

    A run of a subject may have the idempotency key under which it is asked for, with the digest of its body, and the names
    by which it will be found (the canonical text of `finding.as_names`).
    """

    id: UUID
    subject: str
    data: str
    key: str | None = None
    body: str | None = None
    names: str | None = None
    move_id: UUID = field(default_factory=ids.new_token)
    salt: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """What makes a run a fork: of which run, from where (`origin`) and as what its first step was entered (canonical texts), why."""

    of: UUID
    origin: str
    entered: str
    reason: str


def insertion(
    news: Sequence[New],
    *,
    workflow: str,
    version: int,
    definition_hash: str,
    route: Mapping[str, str],
    actor: str,
    expected_seconds: float | None,
    token_budget: int | None,
    priority: int = 0,
    parent: UUID | None = None,
    parent_step_seq: int | None = None,
    fork: Fork | None = None,
) -> Statement:
    """The statement that inserts runs, READY at the state of `route`, each with its first data, transition and step.

    It returns `id` and `created_at` of each that was not there. One whose key a rival took meanwhile makes it raise DuplicateRow.
    """
    # The canonical text of {"data": …, "forked": …}, as both are such texts.
    forked = f',"forked":{fork.origin}' if fork else ""
    reason = fork.reason if fork else None
    hashes = [digest(f'{{"data":{new.data}{forked}}}') for new in news]
    return _START_FROM_ANOTHER if parent or fork else _START, {
        "ids": [new.id for new in news],
        "subjects": [new.subject for new in news],
        "data": [new.data for new in news],
        "salts": [new.salt for new in news],
        "reason_digests": [digest(new.salt + (reason or "")) for new in news],
        "payload_hashes": hashes,
        "payload_digests": [digest(new.salt + payload_hash) for new, payload_hash in zip(news, hashes, strict=True)],
        "move_ids": [new.move_id for new in news],
        "keys": [new.key for new in news],
        "bodies": [new.body for new in news],
        "names": [new.names for new in news],
        "scope": start_scope(workflow),
        "workflow": workflow,
        "version": version,
        "definition_hash": definition_hash,
        "state": route["state"],
        "queue": route["queue"],
        "expected": expected_seconds,
        "budget": token_budget,
        "priority": priority,
        "parent": parent,
        "parent_step_seq": parent_step_seq,
        "event": EventKind.STARTED.value,
        "actor": actor,
        "forked_from": fork.of if fork else None,
        "origin": f'{{"forked":{fork.origin}}}' if fork else "{}",
        "entered": fork.entered if fork else None,
        "reason": reason,
    }


def batches(items: Iterable[T], characters: Callable[[T], int]) -> Iterator[list[T]]:
    """Items as they go into one statement each: of so many runs, and with so much of their data, as `characters` counts it."""
    batch: list[T] = []
    held = 0
    for item in items:
        batch.append(item)
        held += characters(item)
        if len(batch) == BATCH_RUNS or held >= BATCH_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def start_scope(workflow: str) -> str:
    """The scope of the idempotency keys under which runs of a workflow are started."""
    return f"start:{workflow}"
