"""Runs that stopped: dead letters, which nobody can continue without a person, and those that used up their tries."""

from __future__ import annotations

from typing import Any

from app.store.database import Connection

MOST = 500

_STANDING = """
SELECT d.run_id, d.state, d.fingerprint, d.reason, d.created_at, r.subject, r.workflow, r.status, r.wake_at
FROM dead_letters d JOIN runs r ON r.id = d.run_id
WHERE d.closed_at IS NULL ORDER BY d.created_at LIMIT %s"""


def standing(db: Connection) -> list[dict[str, Any]]:
    """Open dead letters, the oldest first, MOST of them; those of one `fingerprint` failed alike."""
    return db.execute(_STANDING, [MOST]).fetchall()


# By their triage tasks, which open and close with the status: those of one role that are open are few, and indexed.
_OUT_OF_TRIES = """
SELECT r.id AS run_id, r.state, coalesce(r.waiting_reason, '') AS reason, t.created_at, r.subject, r.workflow, r.status, r.wake_at
FROM human_tasks t JOIN runs r ON r.id = t.run_id
WHERE t.status = 'OPEN' AND t.role = 'operator' AND t.kind = 'triage' AND r.status = 'FAILED_RETRIABLE' ORDER BY t.created_at LIMIT %s"""


def out_of_tries(db: Connection) -> list[dict[str, Any]]:
    """Runs in FAILED_RETRIABLE, the oldest first, MOST of them; `wake_at`: when one is tried again by itself."""
    return db.execute(_OUT_OF_TRIES, [MOST]).fetchall()
