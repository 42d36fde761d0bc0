"""The lists a program reads. The law: each is bounded, in one order, and goes on behind the key of its last entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.statuses import TaskStatus
from app.store.database import Connection

Behind = tuple[datetime, UUID] | None

_TASKS = """
SELECT t.*, r.subject, r.workflow FROM human_tasks t JOIN runs r ON r.id = t.run_id
WHERE (%(status)s = '' OR t.status = %(status)s) AND (%(roles)s::text[] IS NULL OR t.role = ANY (%(roles)s))
  AND (%(holder)s::text IS NULL OR t.claimed_by = %(holder)s) AND (%(run)s::uuid IS NULL OR t.run_id = %(run)s)
  AND (NOT %(overdue)s OR t.due_at < (SELECT app_now()))
  AND (%(at)s::timestamptz IS NULL OR (t.created_at, t.id) > (%(at)s, %(id)s::uuid))
ORDER BY t.created_at, t.id LIMIT %(limit)s"""


def tasks(
    db: Connection,
    *,
    status: str = TaskStatus.OPEN.value,
    roles: Sequence[str] | None = None,
    holder: str | None = None,
    run: UUID | None = None,
    overdue: bool = False,
    behind: Behind = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Human tasks, oldest first, without what is filled in."""
    at, last = behind or (None, None)
    params = {
        "status": status,
        "roles": list(roles) if roles is not None else None,
        "holder": holder,
        "run": run,
        "overdue": overdue,
        "at": at,
        "id": last,
        "limit": limit,
    }
    return db.execute(_TASKS, params).fetchall()


_ACTIONS = """
SELECT a.*, c.name AS tool FROM actions a
LEFT JOIN checkpoints c ON (c.run_id, c.step_seq, c.call_seq) = (a.run_id, a.step_seq, a.call_seq)
WHERE (%(action)s::uuid IS NULL OR a.id = %(action)s) AND (%(run)s::uuid IS NULL OR a.run_id = %(run)s)
  AND (%(status)s = '' OR a.status = %(status)s)
  AND (%(at)s::timestamptz IS NULL OR (a.created_at, a.id) < (%(at)s, %(id)s::uuid))
ORDER BY a.created_at DESC, a.id DESC LIMIT %(limit)s"""


def actions(
    db: Connection,
    *,
    action: UUID | None = None,
    run: UUID | None = None,
    status: str = "",
    behind: Behind = None,
    limit: int = 1,
) -> list[dict[str, Any]]:
    """The ledger, newest first, or one action of it."""
    at, last = behind or (None, None)
    params = {"action": action, "run": run, "status": status, "at": at, "id": last, "limit": limit}
    return db.execute(_ACTIONS, params).fetchall()


def approvals(db: Connection, actions_: Sequence[UUID]) -> list[dict[str, Any]]:
    """The approvals of some actions, oldest first, each with `live`: whether it counts now, for its time and its holder."""
    return db.execute(
        """SELECT id, action_id, approver, role, authority, task_id, created_at, expires_at, revoked_at,
               revoked_at IS NULL AND expires_at > app_now() AS live
           FROM approvals WHERE action_id = ANY (%s) ORDER BY created_at, id""",
        [list(actions_)],
    ).fetchall()


def dead_letters(db: Connection, *, behind: Behind = None, limit: int) -> list[dict[str, Any]]:
    """Open dead letters, oldest first; those of one `fingerprint` failed alike."""
    at, last = behind or (None, None)
    return db.execute(
        """SELECT d.id, d.run_id, d.state, d.fingerprint, d.reason, d.created_at, r.subject, r.workflow, r.status
           FROM dead_letters d JOIN runs r ON r.id = d.run_id
           WHERE d.closed_at IS NULL AND (%(at)s::timestamptz IS NULL OR (d.created_at, d.id) > (%(at)s, %(id)s::uuid))
           ORDER BY d.created_at, d.id LIMIT %(limit)s""",
        {"at": at, "id": last, "limit": limit},
    ).fetchall()


def transitions(db: Connection, run: UUID, *, behind: int, limit: int) -> list[dict[str, Any]]:
    """A run's moves from its first on, behind the number of one."""
    return db.execute(
        """SELECT seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason, created_at
           FROM transitions WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s""",
        [run, behind, limit],
    ).fetchall()


def signals(db: Connection, run: UUID, *, behind: int, limit: int) -> list[dict[str, Any]]:
    """A run's signals in their order, behind the number of one."""
    rows = db.execute(
        """SELECT seq, signal_id, name, payload, actor, created_at, consumed_step_seq FROM signals
           WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s""",
        [run, behind, limit],
    ).fetchall()
    return [row | {"payload": restore(row["payload"])} for row in rows]


def trace(db: Connection, run: UUID, *, behind: tuple[datetime, int, int] | None, limit: int) -> list[dict[str, Any]]:
    """Everything that happened to a run, in order, behind (at, rank, n)."""
    at, rank, n = behind or (None, None, None)
    rows = db.execute(
        """SELECT at, rank, n, kind, step, step_seq, name, status, actor, detail, input, output, latency_ms, tokens_in, tokens_out
           FROM trace WHERE run_id = %(run)s AND (%(at)s::timestamptz IS NULL OR (at, rank, n) > (%(at)s, %(rank)s, %(n)s))
           ORDER BY at, rank, n LIMIT %(limit)s""",
        {"run": run, "at": at, "rank": rank, "n": n, "limit": limit},
    ).fetchall()
    return [row | {name: restore(row[name]) for name in ("input", "output")} for row in rows]
