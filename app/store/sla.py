"""The service levels of open human tasks: what is due soon, what is overdue, which claims nobody works on.

The law: each is told once, as an event in the task's history; none of it moves a run. Tasks are locked by one
statement and their history is read by the next: a statement that waited for a lock sees only that row fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.store.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class OverdueTask:
    """An open task past its due time; `subject` is its run's."""

    id: UUID
    run_id: UUID
    subject: str
    title: str
    role: str
    late_seconds: float


_LATE = """
SELECT t.id FROM human_tasks t
WHERE t.status = 'OPEN' AND t.created_at + (t.due_at - t.created_at) * %(share)s::float8 <= (SELECT app_now())
  AND NOT EXISTS (SELECT 1 FROM human_task_events e WHERE e.task_id = t.id AND e.event = %(event)s)
ORDER BY t.id LIMIT %(limit)s FOR NO KEY UPDATE OF t SKIP LOCKED"""
_TELL = """
INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
SELECT t.id, t.run_id, %(event)s, %(actor)s, jsonb_build_object('due_at', t.due_at, 'role', coalesce(%(role)s, t.role)), app_now()
FROM human_tasks t
WHERE t.id = ANY (%(ids)s) AND NOT EXISTS (SELECT 1 FROM human_task_events e WHERE e.task_id = t.id AND e.event = %(event)s)
RETURNING task_id, run_id"""
_OVERDUE = """
SELECT t.id, t.run_id, t.title, t.role, r.subject, extract(epoch FROM (SELECT app_now()) - t.due_at)::float8 AS late_seconds
FROM human_tasks t JOIN runs r ON r.id = t.run_id WHERE t.status = 'OPEN' AND t.due_at <= (SELECT app_now()) ORDER BY t.id"""
_RETURN = """
WITH idle AS (
    SELECT t.id, t.run_id, t.claimed_by FROM human_tasks t
    WHERE t.status = 'OPEN' AND t.claimed_at < (SELECT app_now()) - make_interval(secs => %(lease)s)
      AND NOT EXISTS (SELECT 1 FROM human_task_drafts d WHERE d.task_id = t.id AND d.author = t.claimed_by
                      AND d.updated_at >= (SELECT app_now()) - make_interval(secs => %(lease)s))
    ORDER BY t.id LIMIT %(limit)s FOR NO KEY UPDATE OF t SKIP LOCKED
), returned AS (
    UPDATE human_tasks t SET claimed_by = NULL, claimed_at = NULL FROM idle WHERE t.id = idle.id RETURNING t.id
)
INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
SELECT idle.id, idle.run_id, 'claim returned', %(actor)s, jsonb_build_object('claimed_by', idle.claimed_by), app_now()
FROM idle JOIN returned USING (id) RETURNING task_id, run_id"""


def late(db: Connection, share: float, *, untold: str, limit: int) -> list[UUID]:
    """Open tasks past a share of the time until they are due, whose history lacks the event `untold`; locked."""
    rows = db.execute(_LATE, {"share": share, "event": untold, "limit": limit}).fetchall()
    return [row["id"] for row in rows]


def tell(
    db: Connection, ids: Sequence[UUID], event: str, *, actor: str, role: str | None = None
) -> list[dict[str, Any]]:
    """Write an event into the history of tasks that lack it: task_id and run_id of each. `role`: whom it is for now."""
    return db.execute(_TELL, {"ids": list(ids), "event": event, "actor": actor, "role": role}).fetchall()


def overdue(db: Connection) -> list[OverdueTask]:
    """Every open task past its due time."""
    return [OverdueTask(**row) for row in db.execute(_OVERDUE).fetchall()]


def return_claims(db: Connection, *, lease_seconds: float, actor: str, limit: int) -> list[dict[str, Any]]:
    """Give back tasks claimed longer ago than the lease, unless the claimer saved a draft since: task_id, run_id of each."""
    return db.execute(_RETURN, {"lease": lease_seconds, "actor": actor, "limit": limit}).fetchall()
