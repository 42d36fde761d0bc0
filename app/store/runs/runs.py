"""Runs: starting them, reading the row by which they move, and asking things of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import digest, restore
from app.core.lifecycle import ENDED, EventKind, Status
from app.core.run import Run
from app.store.database import Connection
from app.store.rows import literals

COLUMNS = """id, workflow, workflow_version, subject, state, status, step_seq, queue, attempt, crash_attempts, late_retries, routes,
pending_events, pause_requested, cancel_requested, irreversible_since, waiting_reason, lease_token, parent_run_id,
parent_step_seq, children_left, transition_seq"""
_NAMES = tuple(name.strip() for name in COLUMNS.split(","))


def as_run(row: Mapping[str, Any]) -> Run:
    """A row of `runs` (the columns of COLUMNS) as `decide` sees it."""
    values = {name: row[name] for name in _NAMES}
    values["irreversible"] = values.pop("irreversible_since") is not None
    values["status"] = Status(values["status"])
    values["pending_events"] = tuple(values["pending_events"])
    return Run(**values)


def read(db: Connection, run_id: UUID) -> Run | None:
    """The run as it is now, unlocked."""
    row = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s", [run_id]).fetchone()
    return as_run(row) if row else None


def lock(db: Connection, run_id: UUID) -> Run | None:
    """The run, its row locked until the transaction ends."""
    row = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id = %s FOR NO KEY UPDATE", [run_id]).fetchone()
    return as_run(row) if row else None


_INSERT = """
WITH clock AS MATERIALIZED (SELECT app_now() AS at),
made AS (
    INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, ready_at,
        expected_seconds, token_budget, priority, parent_run_id, parent_step_seq, forked_from, transition_seq, transition_hash,
        created_at, updated_at)
    SELECT %(id)s, %(workflow)s, %(version)s, %(definition_hash)s, %(subject)s, %(state)s, 'READY', 1, %(queue)s, at,
        %(expected)s, %(budget)s, %(priority)s, %(parent)s, %(parent_step_seq)s, %(forked_from)s, 1,
        app_chain(''::bytea, %(id)s, 1, %(event)s, NULL, NULL, %(state)s, 'READY', 1, %(actor)s, at, %(reason_digest)s, %(payload_digest)s),
        at, at
    FROM clock"""
# What is written with a run in the same statement: its first transition, its data, what it was started with, and the
# intent of its first step.
_WITH_IT = """
    RETURNING id, transition_hash, created_at
), logged AS (
    INSERT INTO transitions (run_id, seq, event, to_state, to_status, step_seq, attempt, actor, reason, salt, reason_digest, payload_hash,
        payload_digest, move_id, hash, created_at)
    SELECT id, 1, %(event)s, %(state)s, 'READY', 1, 1, %(actor)s, %(reason)s, %(salt)s, %(reason_digest)s, %(payload_hash)s,
        %(payload_digest)s, %(move_id)s, transition_hash, created_at FROM made
), data AS (
    INSERT INTO run_data (run_id, data, updated_at) SELECT id, %(data)s::jsonb, created_at FROM made
), start AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, output, output_hash, created_at, completed_at)
    SELECT id, 0, 0, 'START', 'start', %(workflow)s, 'COMPLETE', jsonb_build_object('data', %(data)s::jsonb) || %(origin)s::jsonb,
        %(payload_hash)s, created_at, created_at FROM made
), entered AS (
    INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, created_at)
    SELECT id, 1, 0, %(state)s, 'step', %(workflow)s || '.' || %(state)s, 'INTENT',
        coalesce(%(entered)s::jsonb, jsonb_build_object('cause', jsonb_build_object('event', %(event)s::text))),
        created_at FROM made
)
SELECT id, created_at FROM made"""

# A run of a subject: none -> READY at its first state. No row: the workflow has a run of this subject.
_START = f"""{_INSERT}
    ON CONFLICT (workflow, subject) WHERE parent_run_id IS NULL AND forked_from IS NULL DO NOTHING{_WITH_IT}"""

# A child or a fork: none -> READY at its first state. No row: a run of this id is there, from before a lost answer.
_START_FROM_ANOTHER = f"""{_INSERT}
    ON CONFLICT (id) DO NOTHING{_WITH_IT}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """What makes a run a fork: of which run, from where (`origin`) and as what its first step was entered (canonical texts), why."""

    of: UUID
    origin: str
    entered: str
    reason: str


def insert(
    db: Connection,
    *,
    run_id: UUID,
    workflow: str,
    version: int,
    definition_hash: str,
    subject: str,
    route: Mapping[str, str],
    data: str,
    actor: str,
    expected_seconds: float | None,
    token_budget: int | None,
    move_id: UUID,
    salt: str,
    priority: int = 0,
    parent: UUID | None = None,
    parent_step_seq: int | None = None,
    fork: Fork | None = None,
) -> datetime | None:
    """Insert a run, READY at the state of `route`, with its first data, transition and step; when, or None if it exists already."""
    # The canonical text of {"data": …, "forked": …}, as both are such texts.
    payload_hash = digest(f'{{"data":{data},"forked":{fork.origin}}}' if fork else f'{{"data":{data}}}')
    reason = fork.reason if fork else None
    done = db.execute(
        _START_FROM_ANOTHER if parent or fork else _START,
        {
            "id": run_id,
            "workflow": workflow,
            "version": version,
            "definition_hash": definition_hash,
            "subject": subject,
            "state": route["state"],
            "queue": route["queue"],
            "expected": expected_seconds,
            "budget": token_budget,
            "priority": priority,
            "parent": parent,
            "parent_step_seq": parent_step_seq,
            "event": EventKind.STARTED.value,
            "actor": actor,
            "data": data,
            "salt": salt,
            "forked_from": fork.of if fork else None,
            "origin": f'{{"forked":{fork.origin}}}' if fork else "{}",
            "entered": fork.entered if fork else None,
            "reason": reason,
            "reason_digest": digest(salt + (reason or "")),
            "payload_hash": payload_hash,
            "payload_digest": digest(salt + payload_hash),
            "move_id": move_id,
        },
    ).fetchone()
    at: datetime | None = done["created_at"] if done else None
    return at


def restore_text(text: str) -> Any:
    """A canonical text as the value it stands for."""
    return restore(json.loads(text))


def by_subject(db: Connection, workflow: str, subject: str) -> Run | None:
    """The root run of a subject."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM runs WHERE workflow = %s AND subject = %s AND parent_run_id IS NULL AND forked_from IS NULL",
        [workflow, subject],
    ).fetchone()
    return as_run(row) if row else None


def data_of(db: Connection, run_id: UUID) -> Any:
    """The run's data as it is now."""
    row = db.execute("SELECT data FROM run_data WHERE run_id = %s", [run_id]).fetchone()
    return restore(row["data"]) if row else None


def set_data(db: Connection, run_id: UUID, data: str) -> None:
    """Replace the run's data with what a person corrected. The run's row must be locked."""
    db.execute("UPDATE run_data SET data = %s::jsonb, updated_at = app_now() WHERE run_id = %s", [data, run_id])


def request_pause(db: Connection, run_id: UUID, wanted: bool) -> None:
    """Ask a run to pause where it would next become READY, or take that back. The row must be locked."""
    db.execute("UPDATE runs SET pause_requested = %s WHERE id = %s", [wanted, run_id])


def request_cancel(db: Connection, run_id: UUID) -> bool:
    """Ask a running run to cancel at its step boundary. False once an irreversible intent stands."""
    row = db.execute(
        "UPDATE runs SET cancel_requested = true WHERE id = %s AND irreversible_since IS NULL RETURNING id", [run_id]
    ).fetchone()
    return row is not None


def note_signal(db: Connection, run_id: UUID, name: str) -> None:
    """Note on the run's row that a signal of this name is pending. The row must be locked."""
    db.execute("UPDATE runs SET pending_events = pending_events || %s::text WHERE id = %s", [name, run_id])


def family(db: Connection, run_id: UUID) -> list[UUID]:
    """The run and all its descendants that have not ended, by ascending id: the lock order."""
    rows = db.execute(
        f"""WITH RECURSIVE kin AS (SELECT id FROM runs WHERE id = %s
           UNION ALL SELECT r.id FROM runs r JOIN kin ON r.parent_run_id = kin.id)
           SELECT r.id FROM runs r JOIN kin USING (id) WHERE r.status NOT IN ({literals(ENDED)}) ORDER BY r.id""",
        [run_id],
    ).fetchall()
    return [row["id"] for row in rows]


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A child run as its parent's step is given it."""

    id: UUID
    workflow: str
    subject: str
    state: str
    status: Status
    waiting_reason: str | None
    data: Any

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Child:
        return cls(**{**row, "status": Status(row["status"]), "data": restore(row["data"])})


def children_of(db: Connection, run_id: UUID, step_seq: int) -> list[Child]:
    """The children a step started, by subject."""
    rows = db.execute(
        """SELECT r.id, r.workflow, r.subject, r.state, r.status, r.waiting_reason, d.data FROM runs r JOIN run_data d ON d.run_id = r.id
           WHERE r.parent_run_id = %s AND r.parent_step_seq = %s ORDER BY r.subject""",
        [run_id, step_seq],
    )
    return [Child.from_row(row) for row in rows]


def births(db: Connection, parent: UUID, step_seq: int) -> dict[UUID, datetime]:
    """When each child of a step was started."""
    rows = db.execute(
        "SELECT id, created_at FROM runs WHERE parent_run_id = %s AND parent_step_seq = %s", [parent, step_seq]
    ).fetchall()
    return {row["id"]: row["created_at"] for row in rows}


def child_ended(db: Connection, parent: UUID, parent_step_seq: int) -> int | None:
    """Count one child of a waiting parent as ended; the children left, or None if the parent no longer waits for it."""
    row = db.execute(
        """UPDATE runs SET children_left = children_left - 1 WHERE id = %s AND step_seq = %s AND children_left > 0
           AND status = 'WAITING_FOR_CHILDREN' RETURNING children_left""",
        [parent, parent_step_seq],
    ).fetchone()
    return row["children_left"] if row else None
