"""Human tasks between opening and completing: claimed, released, delegated, snoozed, commented on, drafted.

The law: every change of a task is one guarded statement that says whether it came about, and raises the task's version,
so that whoever looks at an older one is told before their answer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.store.database import Connection
from app.store.human_tasks.rows import Comment, Draft


def lock(db: Connection, task_id: UUID) -> None:
    """Hold the task's row until the end of the transaction, so that what is read next is what is changed."""
    db.execute("SELECT 1 FROM human_tasks WHERE id = %s FOR NO KEY UPDATE", [task_id])


def holder(db: Connection, task_id: UUID) -> str | None:
    """The name of who holds an open task, if anybody does."""
    row = db.execute(
        """SELECT coalesce(u.display_name, t.claimed_by) AS who FROM human_tasks t LEFT JOIN users u ON u.username = t.claimed_by
           WHERE t.id = %s AND t.status = 'OPEN'""",
        [task_id],
    ).fetchone()
    return row["who"] if row else None


def claim(db: Connection, task_id: UUID, by: str) -> bool:
    """Claim a free task for somebody; again by who has it renews their claim. False: another has it, or it is not open."""
    return _changed(
        db,
        """claimed_by = %(by)s, claimed_at = app_now() WHERE id = %(id)s AND status = 'OPEN'
           AND (claimed_by IS NULL OR claimed_by = %(by)s)""",
        {"id": task_id, "by": by},
    )


def assign(db: Connection, task_id: UUID, to: str, *, holder: str | None) -> bool:
    """Claim a task for somebody, whoever holds it; False if that is not `holder` any more, or the task is not open."""
    return _changed(
        db,
        """claimed_by = %(to)s, claimed_at = app_now() WHERE id = %(id)s AND status = 'OPEN'
           AND claimed_by IS NOT DISTINCT FROM %(holder)s::text""",
        {"id": task_id, "to": to, "holder": holder},
    )


def release(db: Connection, task_id: UUID, by: str) -> bool:
    """Give a claimed task back to everybody of its role; one that was snoozed is so no more."""
    return _changed(
        db,
        """claimed_by = NULL, claimed_at = NULL, snoozed_until = NULL, snooze_reason = NULL
           WHERE id = %(id)s AND claimed_by = %(by)s AND status = 'OPEN'""",
        {"id": task_id, "by": by},
    )


def snooze(db: Connection, task_id: UUID, by: str, *, until: datetime, reason: str) -> bool:
    """Snooze a task until a time, claimed by who does it. False: another has it, or it is not open."""
    return _snoozed(db, task_id, by, until, reason)


def unsnooze(db: Connection, task_id: UUID, by: str) -> bool:
    """End a task's snooze before its time; it stays claimed. False: another has it, or it is not open."""
    return _snoozed(db, task_id, by, None, None)


def _snoozed(db: Connection, task_id: UUID, by: str, until: datetime | None, reason: str | None) -> bool:
    return _changed(
        db,
        """snoozed_until = %(until)s, snooze_reason = %(reason)s, claimed_by = %(by)s, claimed_at = app_now()
           WHERE id = %(id)s AND status = 'OPEN' AND (claimed_by IS NULL OR claimed_by = %(by)s)""",
        {"id": task_id, "by": by, "until": until, "reason": reason},
    )


def _changed(db: Connection, change: str, params: dict[str, Any]) -> bool:
    sql = f"UPDATE human_tasks SET row_version = row_version + 1, {change} RETURNING id"
    return db.execute(sql, params).fetchone() is not None


def new_evidence(db: Connection, run_id: UUID, *, files: Sequence[str], actor: str) -> None:
    """Something came in that whoever has a task of the run open has not seen: their sight of it is stale from now on."""
    db.execute(
        """WITH seen AS (UPDATE human_tasks SET row_version = row_version + 1, evidence_at = app_now()
                         WHERE run_id = %(run)s AND status = 'OPEN' AND kind IN ('work', 'doubt') RETURNING id)
           INSERT INTO human_task_events (task_id, run_id, event, actor, detail, created_at)
           SELECT id, %(run)s, 'new evidence', %(actor)s, %(detail)s::jsonb, app_now() FROM seen""",
        {"run": run_id, "actor": actor, "detail": canonical({"files": list(files)})},
    )


def add_comment(db: Connection, comment_id: UUID, task_id: UUID, author: str, body: str) -> None:
    """Keep what somebody notes for whoever works on the task; never changed afterwards."""
    db.execute(
        "INSERT INTO human_task_comments (id, task_id, author, body, created_at) VALUES (%s, %s, %s, %s, app_now())",
        [comment_id, task_id, author, body],
    )


def comments(db: Connection, task_id: UUID) -> list[Comment]:
    """The comments on a task, oldest first."""
    rows = db.execute(
        "SELECT id, author, body, created_at FROM human_task_comments WHERE task_id = %s ORDER BY created_at, id",
        [task_id],
    ).fetchall()
    return [Comment.from_row(row) for row in rows]


def save_draft(db: Connection, task_id: UUID, author: str, draft: str) -> datetime | None:
    """Keep what somebody has filled in so far, in place of what they had before; when, or None if the task is not open."""
    row = db.execute(
        """INSERT INTO human_task_drafts (task_id, author, draft, updated_at)
           SELECT id, %(author)s, %(draft)s::jsonb, app_now() FROM human_tasks WHERE id = %(id)s AND status = 'OPEN'
           ON CONFLICT (task_id, author) DO UPDATE SET draft = excluded.draft, updated_at = excluded.updated_at
           RETURNING updated_at""",
        {"id": task_id, "author": author, "draft": draft},
    ).fetchone()
    return row["updated_at"] if row else None


def draft(db: Connection, task_id: UUID, author: str) -> Draft | None:
    """What somebody has filled in so far, if anything."""
    row = db.execute(
        "SELECT draft, updated_at FROM human_task_drafts WHERE task_id = %s AND author = %s", [task_id, author]
    ).fetchone()
    return Draft.from_row(row) if row else None


def drop_drafts(db: Connection, task_id: UUID, author: str) -> None:
    """Forget somebody's draft: they have answered."""
    db.execute("DELETE FROM human_task_drafts WHERE task_id = %s AND author = %s", [task_id, author])
