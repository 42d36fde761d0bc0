"""All that bears on why a run does or does not move, read as of one moment. Words for it: `app.diagnosis.explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.errors import NotFound
from app.core.lifecycle import Status
from app.store.clock import lasted, silence
from app.store.database import Connection

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Living:
    """A worker thought alive, that pinged `silent_seconds` ago."""

    queues: Sequence[str]
    slots: int
    stopping: bool
    silent_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """A run's row and what stands around it.

    last: its last transition. tasks: its open human tasks. able: role -> the people who have it
    (username, display_name).
    workers: the living ones. holder: the worker that has its lease.
    ahead: READY runs of its queue that are older. children: those of its present step, with `reason`. sweeps: name ->
    seconds since its last start, without end if that lies in the future.
    """

    now: datetime
    run: Row
    last: Row
    tasks: Sequence[Row] = ()
    able: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    workers: Sequence[Living] = ()
    holder: Row | None = None
    ahead: int = 0
    children: Sequence[Row] = ()
    sweeps: Mapping[str, float] = field(default_factory=dict)


_LAST = "SELECT seq, event, actor, reason, created_at FROM transitions WHERE run_id = %(id)s ORDER BY seq DESC LIMIT 1"
_TASKS = """
SELECT id, kind, role, title, created_at, due_at, claimed_by, CASE WHEN proposals = '[]' THEN not_by
    ELSE not_by || ARRAY(SELECT username FROM took_part(run_id)) END AS not_by FROM human_tasks
WHERE run_id = %(id)s AND status = 'OPEN' ORDER BY created_at"""
_ABLE = "SELECT username, display_name, roles FROM users WHERE roles && %(roles)s::text[] ORDER BY username"
_WORKERS = f"""
SELECT queues, slots, stopping, {lasted("pinged_at")} AS silent_seconds
FROM workers WHERE gone_at IS NULL ORDER BY started_at"""
_HOLDER = f"""
SELECT id, host, pid, stopping, gone_at, {lasted("pinged_at")} AS silent_seconds
FROM workers WHERE id = %(worker)s"""
_AHEAD = "SELECT count(*) AS n FROM runs WHERE status = 'READY' AND queue = %(queue)s AND ready_at < %(ready_at)s"
_CHILDREN = """
SELECT id, subject, state, status, waiting_reason AS reason FROM runs
WHERE parent_run_id = %(id)s AND parent_step_seq = %(step_seq)s ORDER BY subject"""
_SWEEPS = f"SELECT name, {silence('last_started_at')} AS age FROM sweeps"


def read(db: Connection, run_id: UUID) -> Situation:
    """The situation of a run. Raises NotFound. `db` must be at the start of its transaction."""
    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    params: dict[str, Any] = {"id": run_id}
    run = db.execute("SELECT *, app_now() AS now FROM runs WHERE id = %(id)s", params).fetchone()
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    last = db.execute(_LAST, params).fetchone()
    assert last is not None, "a run begins with its first transition"
    tasks = db.execute(_TASKS, params).fetchall()
    status = run["status"]
    params |= {
        "queue": run["queue"],
        "ready_at": run["ready_at"],
        "worker": run["worker_id"],
        "step_seq": run["step_seq"],
    }
    ahead = db.execute(_AHEAD, params).fetchone() if status == Status.READY else None
    return Situation(
        now=run["now"],
        run=run,
        last=last,
        tasks=tasks,
        able=able(db, sorted({task["role"] for task in tasks})),
        workers=[Living(**row) for row in db.execute(_WORKERS)],
        holder=db.execute(_HOLDER, params).fetchone() if run["worker_id"] else None,
        ahead=ahead["n"] if ahead else 0,
        children=db.execute(_CHILDREN, params).fetchall() if status == Status.WAITING_FOR_CHILDREN else (),
        sweeps={row["name"]: row["age"] for row in db.execute(_SWEEPS).fetchall()},
    )


def able(db: Connection, roles: Sequence[str]) -> dict[str, list[Row]]:
    """Who has each of these roles: username, display_name, roles."""
    found: dict[str, list[Row]] = {role: [] for role in roles}
    for row in db.execute(_ABLE, {"roles": list(roles)}).fetchall() if roles else ():
        for role in set(row["roles"]) & set(roles):
            found[role].append(row)
    return found
