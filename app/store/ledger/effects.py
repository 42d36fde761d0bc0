"""Calls with an effect outside: what was asked under which key, what came back, and how it stands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.store.database import Connection

_SHOWN = 4000  # characters of a request or a response

# A call that was carried over into a state entered anew is the same call, and stands here once.
_EFFECTS = """
SELECT c.step_seq, c.call_seq, c.step_name, c.name, c.status, c.idempotency_key, c.key_epoch, c.attempt, c.created_at, c.completed_at,
    left(jsonb_pretty(c.input), %(shown)s) AS request, left(jsonb_pretty(c.output), %(shown)s) AS response, c.action_id,
    a.status AS action_status, a.confirmation, a.confirmed_at
FROM checkpoints c LEFT JOIN actions a ON a.id = c.action_id
WHERE c.run_id = %(id)s AND c.kind = 'tool' AND c.idempotency_key IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM checkpoints o WHERE (o.run_id, o.step_seq, o.call_seq) = (c.run_id, c.step_seq - 1, c.call_seq)
      AND o.idempotency_key = c.idempotency_key)
ORDER BY c.step_seq, c.call_seq LIMIT %(limit)s"""


def of_run(db: Connection, run_id: UUID, *, limit: int = 100) -> list[dict[str, Any]]:
    """The first `limit` calls of a run that were sent under a key: `request`, `response`, `status`, and their action if they have one."""
    return db.execute(_EFFECTS, {"id": run_id, "shown": _SHOWN, "limit": limit}).fetchall()
