"""Calls with an effect outside: what was asked under which key, what came back, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.statuses import ActionStatus, CheckpointStatus
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A call that was sent under a key: the beginning of what was asked and of what came back, and its action if it has one."""

    step_seq: int
    call_seq: int
    step_name: str
    name: str
    status: CheckpointStatus
    idempotency_key: str
    key_epoch: int
    attempt: int
    created_at: datetime
    completed_at: datetime | None
    request: str | None
    response: str | None
    action_id: UUID | None
    action_status: ActionStatus | None
    confirmation: Any
    confirmed_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Sent:
        stands = ActionStatus(row["action_status"]) if row["action_status"] else None
        return cls(**{**row, "status": CheckpointStatus(row["status"]), "action_status": stands})


def of_run(db: Connection, run_id: UUID, *, limit: int = 100) -> list[Sent]:
    """The first `limit` calls of a run that were sent under a key."""
    rows = db.execute(_EFFECTS, {"id": run_id, "shown": _SHOWN, "limit": limit})
    return [Sent.from_row(row) for row in rows]
