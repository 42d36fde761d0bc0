"""Dead letters that stand: runs nobody can continue without a person, with what went wrong."""

from __future__ import annotations

from typing import Any

from app.store.database import Connection

MOST = 500

_STANDING = """
SELECT d.run_id, d.state, d.fingerprint, d.reason, d.created_at, r.subject, r.workflow, r.status
FROM dead_letters d JOIN runs r ON r.id = d.run_id
WHERE d.closed_at IS NULL ORDER BY d.created_at LIMIT %s"""


def standing(db: Connection) -> list[dict[str, Any]]:
    """Open dead letters, the oldest first, MOST of them; those of one `fingerprint` failed alike."""
    return db.execute(_STANDING, [MOST]).fetchall()
