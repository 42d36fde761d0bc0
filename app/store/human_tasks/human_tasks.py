"""One human task: reading it, and the compare-and-set by which it is completed. Lists of them: `task_list.py` beside it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.core.canonical import digest
from app.store.database import Connection
from app.store.human_tasks.rows import TaskEvent, TaskInRun

_READ = """
SELECT t.*, r.subject, r.workflow, r.workflow_version, CASE WHEN t.proposals = '[]' THEN '{}' ELSE coalesce(
    (SELECT jsonb_object_agg(p.username, p.by_what) FROM took_part(t.run_id) p), '{}') END AS took_part
FROM human_tasks t JOIN runs r ON r.id = t.run_id WHERE t.id = %s"""


def read(db: Connection, task_id: UUID) -> TaskInRun | None:
    """One task, with its run's subject and workflow and who took part."""
    row = db.execute(_READ, [task_id]).fetchone()
    return TaskInRun.from_row(row) if row else None


def events_of(db: Connection, task_id: UUID) -> list[TaskEvent]:
    """What happened to a task, in order."""
    rows = db.execute(
        "SELECT event, actor, detail, created_at FROM human_task_events WHERE task_id = %s ORDER BY seq", [task_id]
    ).fetchall()
    return [TaskEvent.from_row(row) for row in rows]


def add_event(db: Connection, task_id: UUID, run_id: UUID, event: str, actor: str, detail: str | None = None) -> None:
    """Append to a task's history."""
    db.execute(
        """INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
           VALUES (%s, %s, %s, %s, %s::jsonb, app_now())""",
        [task_id, run_id, event, actor, detail],
    )


def complete(db: Connection, task_id: UUID, *, outcome: str, answer: str, by: str) -> datetime | None:
    """OPEN -> COMPLETED; when, or None if somebody was first."""
    row = db.execute(
        """UPDATE human_tasks SET status = 'COMPLETED', outcome = %s, answer = %s::jsonb, answer_hash = %s, completed_by = %s,
               completed_at = app_now(), row_version = row_version + 1
           WHERE id = %s AND status = 'OPEN' RETURNING completed_at""",
        [outcome, answer, digest(answer), by, task_id],
    ).fetchone()
    return row["completed_at"] if row else None
