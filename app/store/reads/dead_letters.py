"""Runs that stopped: dead letters, which nobody can continue without a person, and those that used up their tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.store import rows
from app.store.database import Connection

MOST = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class StoppedRun:
    """A run that stopped. fingerprint: what it has in common with those that stopped alike; a dead letter's, where it has one.
    wake_at: when it is tried again by itself.
    """

    run_id: UUID
    state: str
    fingerprint: str | None = None
    reason: str
    created_at: datetime
    subject: str
    workflow: str
    status: str
    wake_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedRun:
    """The run of a kind that went on last, and whether it is past the step at which it had stopped."""

    run_id: UUID
    subject: str
    status: str
    is_past: bool


_STANDING = """
SELECT d.run_id, d.state, d.fingerprint, d.reason, d.created_at, r.subject, r.workflow, r.status, r.wake_at
FROM dead_letters d JOIN runs r ON r.id = d.run_id
WHERE d.closed_at IS NULL ORDER BY d.created_at LIMIT %s"""


def standing(db: Connection) -> list[StoppedRun]:
    """Open dead letters, the oldest first, MOST of them; those of one `fingerprint` failed alike."""
    return rows.every(db, StoppedRun, _STANDING, [MOST])


_ALIKE = """
SELECT t.run_id FROM human_tasks t WHERE t.status = 'OPEN' AND t.fingerprint = %s
ORDER BY coalesce(t.due_at, 'infinity'::timestamptz), t.id LIMIT %s"""
# Where the last run of a kind that was let go on stands, against the step at which it had stopped. One that moved before the
# oldest of those still stopped did says nothing of them.
_TRIED = """
SELECT t.run_id, r.subject, r.status, r.step_seq > t.step_seq OR r.status = 'COMPLETE' AS is_past
FROM human_tasks t JOIN runs r ON r.id = t.run_id
WHERE t.fingerprint = %(kind)s AND t.status <> 'OPEN' AND r.status NOT IN ('FAILED', 'CANCELLED')
  AND r.updated_at > (SELECT o.created_at FROM human_tasks o WHERE o.status = 'OPEN' AND o.fingerprint = %(kind)s
                      ORDER BY coalesce(o.due_at, 'infinity'::timestamptz), o.id LIMIT 1)
ORDER BY t.id DESC LIMIT 1"""


def alike(db: Connection, fingerprint: str, limit: int) -> list[UUID]:
    """The stopped runs of a kind, those that fall due first foremost."""
    return [row["run_id"] for row in db.execute(_ALIKE, [fingerprint, limit]).fetchall()]


def tried(db: Connection, fingerprint: str) -> TriedRun | None:
    """The run of a kind that went on last, if any did."""
    return rows.first(db, TriedRun, _TRIED, {"kind": fingerprint})


# By their triage tasks, which open and close with the status: those of one role that are open are few, and indexed.
_OUT_OF_TRIES = """
SELECT r.id AS run_id, r.state, coalesce(r.waiting_reason, '') AS reason, t.created_at, r.subject, r.workflow, r.status, r.wake_at
FROM human_tasks t JOIN runs r ON r.id = t.run_id
WHERE t.status = 'OPEN' AND t.role = 'operator' AND t.kind = 'triage' AND r.status = 'FAILED_RETRIABLE' ORDER BY t.created_at LIMIT %s"""


def out_of_tries(db: Connection) -> list[StoppedRun]:
    """Runs in FAILED_RETRIABLE, the oldest first, MOST of them."""
    return rows.every(db, StoppedRun, _OUT_OF_TRIES, [MOST])
