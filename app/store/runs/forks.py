"""Forks: what a run had when it entered a step, and what a fork of it is given. What is copied is decided in `app/store/sql/forks.sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.lifecycle import Status
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store import rows
from app.store.database import Connection

# The data at a step's entry are the last word before it: of an earlier step's output, or of the correction that led into it.
_ENTERED = """
SELECT c.step_name AS state, c.input, c.created_at, c.status,
    (SELECT data FROM (
        SELECT step_seq, 1 AS word, output -> 'data' AS data FROM checkpoints
        WHERE run_id = %(id)s AND call_seq = 0 AND step_seq < %(step_seq)s AND output -> 'data' IS NOT NULL
        UNION ALL
        SELECT step_seq, 0, input -> 'cause' -> 'data' FROM checkpoints
        WHERE run_id = %(id)s AND call_seq = 0 AND step_seq <= %(step_seq)s AND input -> 'cause' -> 'data' IS NOT NULL
    ) AS written ORDER BY step_seq DESC, word DESC LIMIT 1) AS data
FROM checkpoints c WHERE c.run_id = %(id)s AND c.step_seq = %(step_seq)s AND c.call_seq = 0 AND c.kind = 'step'"""
_CALLS = """SELECT call_seq, name, kind, status, action_id IS NOT NULL AS irreversible FROM checkpoints
WHERE run_id = %s AND step_seq = %s AND call_seq > 0 ORDER BY call_seq"""
# An approval that still counts for something binds the run: what it allowed was allowed to that run alone.
_APPROVED = """
SELECT a.purpose, a.amount, a.currency, a.payee, t.step_seq, t.state FROM actions a
CROSS JOIN LATERAL (
    SELECT h.step_seq, h.state FROM approvals p JOIN human_tasks h ON h.id = p.task_id
    WHERE p.action_id = a.id ORDER BY h.step_seq DESC LIMIT 1) t
WHERE a.run_id = %s AND a.status NOT IN ('PROPOSED', 'VOID') AND t.step_seq < %s ORDER BY t.step_seq LIMIT 1"""
_OF_RUN = "SELECT definition_hash, subject, expected_seconds, token_budget, priority FROM runs WHERE id = %s"
_CHOICES = """SELECT step_seq, step_name AS state, created_at AS entered_at FROM checkpoints
WHERE run_id = %s AND call_seq = 0 AND step_seq > 0 ORDER BY step_seq DESC LIMIT %s"""
_DOCUMENTS = """
INSERT INTO documents (id, run_id, sha256, filename, media_type, size, uploaded_by, created_at)
SELECT gen_random_uuid(), %(fork)s, d.sha256, d.filename, d.media_type, d.size, d.uploaded_by, d.created_at
FROM documents d WHERE d.run_id = %(id)s AND d.created_at <= %(at)s"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """A step as it was entered. received: its cause and signals. data: None if they were erased."""

    state: str
    at: datetime
    received: Mapping[str, Any]
    data: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of a step. irreversible: it is an action's."""

    call_seq: int
    name: str
    kind: CheckpointKind
    status: CheckpointStatus
    irreversible: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Call:
        return cls(**{**row, "kind": CheckpointKind(row["kind"]), "status": CheckpointStatus(row["status"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Approved:
    """What was allowed, and the step and state of the task in which it was."""

    purpose: str
    amount: Decimal
    currency: str
    payee: str
    step_seq: int
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a fork has from its run's own row."""

    definition_hash: str
    subject: str
    expected_seconds: float | None
    token_budget: int | None
    priority: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """From which run and step a fork was made. told: all that its first output says of it."""

    run_id: UUID
    step_seq: int
    told: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A step that a fork may begin with."""

    step_seq: int
    state: str
    entered_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A fork of a run, as it stands."""

    id: UUID
    state: str
    status: Status
    waiting_reason: str | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Made:
        return cls(**{**row, "status": Status(row["status"])})


def entered(db: Connection, run_id: UUID, step_seq: int) -> Entered | None:
    """The step as the run entered it; None if there is no such step."""
    row = db.execute(_ENTERED, {"id": run_id, "step_seq": step_seq}).fetchone()
    if row is None:
        return None
    received = restore(row["input"]) or {}
    return Entered(state=row["state"], at=row["created_at"], received=received, data=restore(row["data"]))


def calls(db: Connection, run_id: UUID, step_seq: int) -> list[Call]:
    """The calls of a step, in order."""
    return [Call.from_row(row) for row in db.execute(_CALLS, [run_id, step_seq])]


def approved_before(db: Connection, run_id: UUID, step_seq: int) -> Approved | None:
    """The earliest approval that was given before a step and stands."""
    row = db.execute(_APPROVED, [run_id, step_seq]).fetchone()
    return Approved(**row) if row else None


def original(db: Connection, run_id: UUID) -> Source:
    """What a fork has from its run's own row."""
    row = db.execute(_OF_RUN, [run_id]).fetchone()
    assert row is not None
    return Source(**row)


def copy_calls(db: Connection, fork: UUID) -> int:
    """Give a fork just made the completed calls of its step, and what its models were given; how many calls."""
    row = db.execute("SELECT copy_calls_to_fork(%s) AS n", [fork]).fetchone()
    assert row is not None
    copied: int = row["n"]
    return copied


def copy_documents(db: Connection, fork: UUID, run_id: UUID, at: datetime) -> None:
    """List the documents that a run had at a moment under its fork too; their bytes are the same."""
    db.execute(_DOCUMENTS, {"fork": fork, "id": run_id, "at": at})


def source_of(db: Connection, run_id: UUID) -> UUID | None:
    """The run that this one is a fork of."""
    row = db.execute("SELECT forked_from FROM runs WHERE id = %s", [run_id]).fetchone()
    return row["forked_from"] if row else None


def origin(db: Connection, run_id: UUID) -> Origin | None:
    """What a fork was made from; None for another run, or if it was erased."""
    row = db.execute(
        "SELECT output -> 'forked' AS origin FROM checkpoints WHERE run_id = %s AND step_seq = 0 AND call_seq = 0",
        [run_id],
    ).fetchone()
    told = row["origin"] if row else None
    return Origin(run_id=UUID(told["run_id"]), step_seq=told["step_seq"], told=told) if told else None


def choices(db: Connection, run_id: UUID, *, limit: int) -> list[Choice]:
    """The steps of a run from which it may be forked, the newest first."""
    return rows.every(db, Choice, _CHOICES, [run_id, limit])


def of_run(db: Connection, run_id: UUID, *, limit: int) -> list[Made]:
    """The forks of a run, the oldest first."""
    rows = db.execute(
        "SELECT id, state, status, waiting_reason, created_at FROM runs WHERE forked_from = %s ORDER BY id LIMIT %s",
        [run_id, limit],
    )
    return [Made.from_row(row) for row in rows]
