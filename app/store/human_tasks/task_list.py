"""The list of human tasks, narrowed by what is asked of it: one read model for the inbox, the API, commands and a run's page.

The law: it goes on behind a key, and a count stops counting where nobody reads on. So a look at the queue costs the same
with ten open tasks and with a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from app.core.statuses import TaskStatus
from app.store.clock import lasted
from app.store.composed import NOW, among, constant, fetch, place, rows
from app.store.database import Connection
from app.store.human_tasks.rows import AgedTask
from app.store.tables.accounts import users
from app.store.tables.base import Moment
from app.store.tables.human_tasks import human_tasks
from app.store.tables.runs import runs

Order = Literal["opened", "due"]  # oldest first, or what falls due first; what has no due time comes last
Place = tuple[datetime | None, UUID]
MOST_COUNTED = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFilter:
    """What the list is narrowed to; what is empty narrows nothing, but no roles are no task.

    text: the beginning of its run's subject. overdue: its due time has come. snoozed: whether it is snoozed until later.
    as_one: of open triage tasks of runs that stopped of the same thing only the one that falls due first.
    """

    status: TaskStatus | None = TaskStatus.OPEN
    roles: tuple[str, ...] | None = None
    holder: str = ""
    run: UUID | None = None
    text: str = ""
    overdue: bool = False
    snoozed: bool | None = None
    as_one: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskLine:
    """A task as lists show it, without its form and what is filled in. holder: the name of who has it. alike: how many
    open ones there are of its kind, itself included, up to MOST_COUNTED; 1 where each is listed.
    """

    id: UUID
    run_id: UUID
    subject: str
    workflow: str
    state: str
    kind: str
    fingerprint: str | None
    title: str
    outcomes: Sequence[str]
    role: str
    not_by: Sequence[str]
    status: str
    row_version: int
    created_at: datetime
    age_seconds: float
    due_at: datetime | None
    claimed_by: str | None
    holder: str | None
    snoozed_until: datetime | None
    snooze_reason: str | None
    evidence_at: datetime | None
    outcome: str | None
    completed_by: str | None
    completed_at: datetime | None
    alike: int


_t, _e = human_tasks.alias("t"), human_tasks.alias("e")
_r, _named, _u = runs.alias("r"), runs.alias("named"), users.alias("u")
# Looked up task by task: joined, the planner might read all runs that begin so.
_SUBJECT = sa.select(_named.c.subject).where(_named.c.id == _t.c.run_id).correlate(_t).scalar_subquery()
_NEVER = sa.literal_column("'infinity'::timestamptz", Moment)
_DUE = sa.func.coalesce(_t.c.due_at, _NEVER)
_ORDERS: Mapping[Order, sa.ColumnElement[datetime]] = {"opened": _t.c.created_at, "due": _DUE}
_AGE = sa.literal_column(lasted("t.created_at"), sa.Double)
# Of the tasks that are alike the first stands for all, found by jumps along their index.
_HEADS = (
    sa.text("""
    (SELECT fingerprint, id FROM human_tasks WHERE status = 'OPEN' AND fingerprint IS NOT NULL
     ORDER BY fingerprint, coalesce(due_at, 'infinity'::timestamptz), id LIMIT 1)
    UNION ALL
    SELECT next.fingerprint, next.id FROM heads CROSS JOIN LATERAL (
        SELECT fingerprint, id FROM human_tasks WHERE status = 'OPEN' AND fingerprint > heads.fingerprint
        ORDER BY fingerprint, coalesce(due_at, 'infinity'::timestamptz), id LIMIT 1) next""")
    .columns(sa.column("fingerprint", sa.Text), sa.column("id", sa.Uuid))
    .cte("heads", recursive=True)
)
_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)
_KIND = sa.select(_e.c.id).where(_e.c.status == constant(TaskStatus.OPEN), _e.c.fingerprint == _t.c.fingerprint)
_ALIKE = sa.func.greatest(
    _ONE, sa.select(sa.func.count()).select_from(_KIND.limit(MOST_COUNTED).correlate(_t).lateral()).scalar_subquery()
)
_COMPUTED: Mapping[str, sa.ColumnElement[Any]] = {
    "subject": _r.c.subject,
    "workflow": _r.c.workflow,
    "holder": sa.func.coalesce(_u.c.display_name, _t.c.claimed_by),
    "age_seconds": _AGE,
    # A list of words is one already: SQLAlchemy would make another of it.
    "outcomes": sa.type_coerce(_t.c.outcomes, sa.types.NULLTYPE),
    "not_by": sa.type_coerce(_t.c.not_by, sa.types.NULLTYPE),
}
_SHOWN = [
    (_COMPUTED[name] if name in _COMPUTED else _t.c[name]).label(name)
    for name in TaskLine.__dataclass_fields__
    if name != "alike"
]
_JOINED = _t.join(_r, _r.c.id == _t.c.run_id).outerjoin(_u, _u.c.username == _t.c.claimed_by)
_LINES = sa.select(*_SHOWN, _ONE.label("alike")).select_from(_JOINED)
_FIRST_LINES = sa.select(*_SHOWN, _ALIKE.label("alike"))
_WHOLE = sa.select(_t, _r.c.subject, _r.c.workflow, _AGE.label("age_seconds")).select_from(_JOINED)


def page(
    db: Connection,
    wanted: TaskFilter,
    *,
    order: Order = "opened",
    behind: Place | None = None,
    limit: int | None = None,
) -> list[TaskLine]:
    """Up to `limit` tasks, in the order of their opening or of their due times, behind a place in it: that time and an id."""
    return fetch(db, _page(wanted, order, behind, limit), TaskLine)


def whole(db: Connection, wanted: TaskFilter) -> list[AgedTask]:
    """All of each task, oldest first: for what shows everything there is. None stands for others here."""
    found = rows(db, _WHOLE.where(*_narrowed(wanted)).order_by(_t.c.created_at, _t.c.id))
    return [AgedTask.from_row(dict(row)) for row in found]


def counts(db: Connection, views: Mapping[str, TaskFilter]) -> dict[str, int]:
    """How many entries each view holds, counted up to MOST_COUNTED."""
    return dict(rows(db, _counted(tuple(views.items())))[0])


def _narrowed(wanted: TaskFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.status:
        yield _t.c.status == constant(wanted.status)
    if wanted.roles is not None:
        yield among(_t.c.role, wanted.roles)
    if wanted.holder:
        yield _t.c.claimed_by == wanted.holder
    if wanted.run:
        yield _t.c.run_id == wanted.run
    if wanted.text:
        yield sa.func.starts_with(_SUBJECT, wanted.text)
    if wanted.overdue:
        yield _DUE <= NOW
    if wanted.snoozed is not None:
        yield _t.c.snoozed_until > NOW if wanted.snoozed else _t.c.snoozed_until.is_(None) | (_t.c.snoozed_until <= NOW)


def _behind(by: sa.ColumnElement[datetime], behind: Place | None) -> Iterator[sa.ColumnElement[bool]]:
    if behind:
        at, last = behind
        yield sa.tuple_(by, _t.c.id) > place(_NEVER if at is None else sa.literal(at, Moment), last)


def _one_for_all(
    conditions: Sequence[sa.ColumnElement[bool]], by: sa.ColumnElement[datetime], limit: int | None
) -> sa.Select[*tuple[Any, ...]]:
    """Tasks that are alone, and the first of those that are alike."""
    alone = sa.select(_t.c.id).where(_t.c.fingerprint.is_(None), *conditions).order_by(by, _t.c.id).limit(limit)
    first = sa.select(_t.c.id).join(_HEADS, _HEADS.c.id == _t.c.id).where(*conditions)
    chosen = sa.union_all(alone, first).cte("chosen")
    return _FIRST_LINES.select_from(_JOINED.join(chosen, chosen.c.id == _t.c.id))


# Inboxes that stay open ask the same over and over.
@lru_cache(maxsize=256)
def _page(wanted: TaskFilter, order: Order, behind: Place | None, limit: int | None) -> sa.Select[*tuple[Any, ...]]:
    by = _ORDERS[order]
    conditions = [*_narrowed(wanted), *_behind(by, behind)]
    lines = _one_for_all(conditions, by, limit) if wanted.as_one else _LINES.where(*conditions)
    return lines.order_by(by, _t.c.id).limit(limit)


@lru_cache(maxsize=256)
def _counted(views: Sequence[tuple[str, TaskFilter]]) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*(_count(wanted).label(name) for name, wanted in views))


def _count(wanted: TaskFilter) -> sa.ColumnElement[int]:
    conditions = list(_narrowed(wanted))
    if not wanted.as_one:
        return _up_to(conditions)
    first = sa.select(sa.func.count()).select_from(_t.join(_HEADS, _HEADS.c.id == _t.c.id)).where(*conditions)
    return _up_to([_t.c.fingerprint.is_(None), *conditions]) + first.scalar_subquery()


def _up_to(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.ScalarSelect[int]:
    few = sa.select(_t.c.id).where(*conditions).limit(MOST_COUNTED).subquery()
    return sa.select(sa.func.count()).select_from(few).scalar_subquery()
