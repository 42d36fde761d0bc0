"""The lists a program reads. The law: each is bounded, in one order, and goes on behind the key of its last entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.canonical import restore
from app.store import rows
from app.store.composed import fetch, place
from app.store.database import Connection
from app.store.tables.base import Moment
from app.store.tables.journal import checkpoints
from app.store.tables.ledger import actions as ledger
from app.store.tables.runs import dead_letters as letters
from app.store.tables.runs import runs

Behind = tuple[datetime, UUID] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionLine:
    """An action of the ledger. tool: what does it, once its call has begun."""

    id: UUID
    run_id: UUID
    claim: str
    purpose: str
    payee: str
    amount: Decimal
    currency: str
    coverage: str
    status: str
    proposed_by: str
    created_at: datetime
    executed_at: datetime | None
    confirmed_at: datetime | None
    tool: str | None


_a, _c = ledger.alias("a"), checkpoints.alias("c")
_ITS_CALL = sa.and_(_c.c.run_id == _a.c.run_id, _c.c.step_seq == _a.c.step_seq, _c.c.call_seq == _a.c.call_seq)
_ACTIONS = (
    sa.select(*(_a.c[name] for name in ActionLine.__dataclass_fields__ if name != "tool"), _c.c.name.label("tool"))
    .select_from(_a.outerjoin(_c, _ITS_CALL))
    .order_by(_a.c.created_at.desc(), _a.c.id.desc())
)


def actions(
    db: Connection,
    *,
    action: UUID | None = None,
    run: UUID | None = None,
    status: str = "",
    behind: Behind = None,
    limit: int = 1,
) -> list[ActionLine]:
    """The ledger, newest first, or one action of it."""
    found = _ACTIONS.limit(limit)
    if action:
        found = found.where(_a.c.id == action)
    if run:
        found = found.where(_a.c.run_id == run)
    if status:
        found = found.where(_a.c.status == status)
    if behind:
        found = found.where(sa.tuple_(_a.c.created_at, _a.c.id) < place(sa.literal(behind[0], Moment), behind[1]))
    return fetch(db, found, ActionLine)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalLine:
    """An approval of an action. live: it counts now, for its time and its holder."""

    id: UUID
    action_id: UUID
    approver: str
    role: str
    authority: Decimal
    task_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    live: bool


def approvals(db: Connection, actions_: Sequence[UUID]) -> list[ApprovalLine]:
    """The approvals of some actions, oldest first."""
    return rows.every(
        db,
        ApprovalLine,
        """SELECT id, action_id, approver, role, authority, task_id, created_at, expires_at, revoked_at,
               revoked_at IS NULL AND expires_at > app_now() AS live
           FROM approvals WHERE action_id = ANY (%s) ORDER BY created_at, id""",
        [list(actions_)],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterLine:
    """An open dead letter, with its run's subject, workflow and present status."""

    id: UUID
    run_id: UUID
    state: str
    fingerprint: str
    reason: str
    created_at: datetime
    subject: str
    workflow: str
    status: str


_d, _r = letters.alias("d"), runs.alias("r")
_LETTERS = (
    sa.select(
        *(_d.c[name] for name in ("id", "run_id", "state", "fingerprint", "reason", "created_at")),
        *(_r.c[name] for name in ("subject", "workflow", "status")),
    )
    .select_from(_d.join(_r, _r.c.id == _d.c.run_id))
    .where(_d.c.closed_at.is_(None))
    .order_by(_d.c.created_at, _d.c.id)
)


def dead_letters(db: Connection, *, behind: Behind = None, limit: int) -> list[DeadLetterLine]:
    """Open dead letters, oldest first; those of one `fingerprint` failed alike."""
    found = _LETTERS.limit(limit)
    if behind:
        found = found.where(sa.tuple_(_d.c.created_at, _d.c.id) > place(sa.literal(behind[0], Moment), behind[1]))
    return fetch(db, found, DeadLetterLine)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransitionLine:
    """A move of a run; its columns are those of `transitions`."""

    seq: int
    event: str
    from_state: str | None
    from_status: str | None
    to_state: str
    to_status: str
    step_seq: int
    attempt: int
    actor: str
    reason: str | None
    created_at: datetime


def transitions(db: Connection, run: UUID, *, behind: int, limit: int) -> list[TransitionLine]:
    """A run's moves from its first on, behind the number of one."""
    return rows.every(
        db,
        TransitionLine,
        """SELECT seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason, created_at
           FROM transitions WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s""",
        [run, behind, limit],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalLine:
    """A signal to a run. consumed_step_seq: the step that took it."""

    seq: int
    signal_id: str
    name: str
    payload: Any
    actor: str
    created_at: datetime
    consumed_step_seq: int | None


def signals(db: Connection, run: UUID, *, behind: int, limit: int) -> list[SignalLine]:
    """A run's signals in their order, behind the number of one."""
    found = rows.every(
        db,
        SignalLine,
        """SELECT seq, signal_id, name, payload, actor, created_at, consumed_step_seq FROM signals
           WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s""",
        [run, behind, limit],
    )
    return [replace(line, payload=restore(line.payload)) for line in found]
