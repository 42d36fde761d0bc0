"""All that bears on why a run does or does not move, read as of one moment. Words for it: `app.diagnosis.explain`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.declarations.limits import held_up_by
from app.core.lifecycle import Status
from app.store import rows
from app.store.clock import lasted, silence
from app.store.database import Connection
from app.store.reads import glance
from app.store.reads.glance import RunDetail
from app.store.runs import downstreams
from app.store.runs.downstreams import BindingLimit


@dataclass(frozen=True, kw_only=True, slots=True)
class Living:
    """A worker thought alive, that pinged `silent_seconds` ago."""

    queues: Sequence[str]
    slots: int
    stopping: bool
    silent_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedTask:
    """An open human task of a run. not_by: who may not answer it, those who took part included where it approves."""

    id: UUID
    kind: str
    role: str
    title: str
    created_at: datetime
    due_at: datetime | None
    claimed_by: str | None
    not_by: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class AblePerson:
    """Somebody who has a role that is asked for."""

    username: str
    display_name: str
    roles: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The worker that has a run's lease, that pinged `silent_seconds` ago. gone_at: when a sweep gave it up."""

    id: UUID
    host: str
    pid: int
    stopping: bool
    gone_at: datetime | None
    silent_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitedChild:
    """A child run of the run's present step, and what it waits for."""

    id: UUID
    subject: str
    state: str
    status: str
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """A run and what stands around it.

    routes: the outcomes of its wait. tasks: its open human tasks. able: role -> the people who have it.
    workers: the living ones. holder: the worker that has its lease.
    ahead: READY runs of its queue that are older. children: those of its present step. sweeps: name ->
    seconds since its last start, without end if that lies in the future. limit: that of a downstream for which it waits.
    """

    now: datetime
    run: RunDetail
    routes: Collection[str] = ()
    tasks: Sequence[AskedTask] = ()
    able: Mapping[str, Sequence[AblePerson]] = field(default_factory=dict)
    workers: Sequence[Living] = ()
    holder: Holder | None = None
    ahead: int = 0
    children: Sequence[AwaitedChild] = ()
    sweeps: Mapping[str, float] = field(default_factory=dict)
    limit: BindingLimit | None = None


_WAIT = "SELECT routes, app_now() AS now FROM runs WHERE id = %(id)s"
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
    run = glance.one(db, run_id)
    params: dict[str, Any] = {
        "id": run_id,
        "queue": run.queue,
        "ready_at": run.ready_at,
        "worker": run.worker_id,
        "step_seq": run.step_seq,
    }
    wait = db.execute(_WAIT, params).fetchone()
    assert wait is not None, "the run was read in this snapshot"
    tasks = rows.every(db, AskedTask, _TASKS, params)
    ahead = db.execute(_AHEAD, params).fetchone() if run.status == Status.READY else None
    return Situation(
        now=wait["now"],
        run=run,
        routes=wait["routes"],
        tasks=tasks,
        able=able(db, sorted({task.role for task in tasks})),
        workers=rows.every(db, Living, _WORKERS),
        holder=rows.first(db, Holder, _HOLDER, params) if run.worker_id else None,
        ahead=ahead["n"] if ahead else 0,
        children=rows.every(db, AwaitedChild, _CHILDREN, params) if run.status == Status.WAITING_FOR_CHILDREN else (),
        sweeps={row["name"]: row["age"] for row in db.execute(_SWEEPS).fetchall()},
        limit=_limit(db, run),
    )


def _limit(db: Connection, run: RunDetail) -> BindingLimit | None:
    by = held_up_by(run.waiting_reason) if run.status == Status.WAITING_FOR_TIMER else None
    return (
        next((limit for limit in downstreams.binding(db) if by == (limit.downstream, limit.why)), None) if by else None
    )


def able(db: Connection, roles: Sequence[str]) -> dict[str, list[AblePerson]]:
    """Who has each of these roles."""
    found: dict[str, list[AblePerson]] = {role: [] for role in roles}
    for person in rows.every(db, AblePerson, _ABLE, {"roles": list(roles)}) if roles else ():
        for role in set(person.roles) & set(roles):
            found[role].append(person)
    return found
