"""The service levels of open human tasks: what is due soon, what is overdue, which claims nobody works on.

The law: each is told once, as an event in the task's history; none of it moves a run. A look costs as much as there is
to tell, however many tasks are open: `sla_at` is when the next thing about a task is due to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.store import rows
from app.store.clock import within
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldTask:
    """A task of which something was written down: that it is due by now, or else a reminder."""

    task_id: UUID
    run_id: UUID
    is_due: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnedTask:
    """A task that was taken back from whoever held it."""

    task_id: UUID
    run_id: UUID


# One statement: the row itself says what was told, so it is told once however many sweepers there are.
_TELL = """
WITH clock AS MATERIALIZED (SELECT app_now() AS at),
found AS (
    SELECT t.id, t.run_id, t.due_at, t.role, t.due_at <= clock.at AS is_due FROM human_tasks t, clock
    WHERE t.status = 'OPEN' AND t.sla_at <= (SELECT app_now()) ORDER BY t.sla_at LIMIT %(limit)s FOR NO KEY UPDATE OF t SKIP LOCKED
), looked AS (
    UPDATE human_tasks t SET sla_at = CASE WHEN NOT found.is_due THEN found.due_at END FROM found WHERE t.id = found.id RETURNING t.id
), told AS (
    INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
    SELECT found.id, found.run_id, say.event, %(actor)s,
           jsonb_build_object('due_at', found.due_at, 'role', coalesce(say.role, found.role)), clock.at
    FROM found JOIN looked USING (id) CROSS JOIN clock
      JOIN (VALUES (false, 'reminder', NULL), (true, 'overdue', NULL)
            UNION ALL SELECT true, 'escalated', unnest(%(to)s::text[])) AS say(is_due, event, role)
        ON say.is_due = found.is_due
    ORDER BY found.id, say.role NULLS FIRST
)
SELECT id AS task_id, run_id, is_due FROM found"""
# The run's subject by a look of its own: by a join, the planner may read all runs.
_OVERDUE = """
SELECT t.id, t.run_id, t.title, t.role, (SELECT r.subject FROM runs r WHERE r.id = t.run_id) AS subject,
       extract(epoch FROM (SELECT app_now()) - t.due_at)::float8 AS late_seconds
FROM human_tasks t
WHERE t.status = 'OPEN' AND t.sla_at IS NULL AND t.due_at <= (SELECT app_now()) ORDER BY t.id"""
_RETURN = f"""
WITH idle AS (
    SELECT t.id, t.run_id, t.claimed_by FROM human_tasks t
    WHERE t.status = 'OPEN' AND t.claimed_at < (SELECT app_now()) - make_interval(secs => %(lease)s)
      AND (t.snoozed_until IS NULL OR t.snoozed_until < (SELECT app_now()) - make_interval(secs => %(lease)s))
      AND NOT EXISTS (SELECT 1 FROM human_task_drafts d WHERE d.task_id = t.id AND d.author = t.claimed_by
                      AND {within("d.updated_at", "%(lease)s")})
    ORDER BY t.claimed_at LIMIT %(limit)s FOR NO KEY UPDATE OF t SKIP LOCKED
), returned AS (
    UPDATE human_tasks t SET claimed_by = NULL, claimed_at = NULL, snoozed_until = NULL, snooze_reason = NULL FROM idle
    WHERE t.id = idle.id RETURNING t.id
)
INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
SELECT idle.id, idle.run_id, 'claim returned', %(actor)s, jsonb_build_object('claimed_by', idle.claimed_by), app_now()
FROM idle JOIN returned USING (id) RETURNING task_id, run_id"""


def tell(db: Connection, *, actor: str, escalate_to: Sequence[str], limit: int) -> list[ToldTask]:
    """Write down of each task what its time has come for: a reminder, or that it is overdue and which roles are to know.

    A task found only after its due time is not reminded of any more.
    """
    return rows.every(db, ToldTask, _TELL, {"actor": actor, "to": list(escalate_to), "limit": limit})


def overdue(db: Connection) -> list[OverdueTask]:
    """Every open task past its due time of which that was told."""
    return rows.every(db, OverdueTask, _OVERDUE)


def return_claims(db: Connection, *, lease_seconds: float, actor: str, limit: int) -> list[ReturnedTask]:
    """Release tasks claimed longer ago than the lease, unless the claimer saved a draft since or has snoozed it."""
    return rows.every(db, ReturnedTask, _RETURN, {"lease": lease_seconds, "actor": actor, "limit": limit})
