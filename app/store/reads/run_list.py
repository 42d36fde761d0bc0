"""The list of runs, narrowed by what is asked of it: one read model for pages, API and commands.

The law: it is bounded, newest first and continued by the key of its last run, so that it costs the same on page one and page
thousand. Ids of runs ascend with time, so the primary key is that order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from app.core.lifecycle import WAITS_FOR_OTHERS
from app.core.statuses import TaskStatus
from app.store.clock import lasted
from app.store.composed import among, constant, fetch
from app.store.database import Connection
from app.store.reads import finding
from app.store.rows import literals
from app.store.tables.human_tasks import human_tasks
from app.store.tables.records import alerts
from app.store.tables.runs import runs

ANY_ALERT = "any"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """What the list is narrowed to; what is empty narrows nothing.

    text: whatever finds a run (`app.store.reads.finding`), or the beginning of a subject; children only so, or as those of a
    `parent`. subject: its beginning. role: an open task waits for it. alert: a rule with an open alert, or ANY_ALERT. late:
    longer than expected, waits for people and signals not counted.
    """

    status: Collection[str] = ()
    workflow: str = ""
    version: int | None = None
    state: str = ""
    subject: str = ""
    role: str = ""
    alert: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    least_tokens: int | None = None
    retried: bool = False
    late: bool = False
    parent: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """A run as lists show it. age_seconds: since its start, up to its end. spent_seconds: of these, what it did not wait for
    people and signals. retries: tries beyond the first of each step. waits_for_role, alerts: names, joined by commas.
    """

    id: UUID
    workflow: str
    workflow_version: int
    subject: str
    state: str
    status: str
    waiting_reason: str | None
    wake_at: datetime | None
    expires_at: datetime | None
    attempt: int
    queue: str
    parent_run_id: UUID | None
    children_left: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    expected_seconds: float | None
    tokens_in: int
    tokens_out: int
    token_budget: int | None
    cost: Decimal
    unpriced_calls: int
    age_seconds: float
    spent_seconds: float
    retries: int
    waits_for_role: str | None
    alerts: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildLine(RunLine):
    """A child run, with its parent's step that started it."""

    parent_step_seq: int


_r, _t, _a = runs.alias("r"), human_tasks.alias("t"), alerts.alias("a")
_OPEN_TASK = _t.c.status == constant(TaskStatus.OPEN)
_OPEN_ALERT = _a.c.resolved_at.is_(None)
_COMMA: sa.ColumnClause[str] = sa.literal_column("', '")
_AGE = "extract(epoch FROM coalesce(r.finished_at, app_now()) - r.created_at)::float8"
# What it waited for people and signals is no part of how long it was expected to take; the present wait is not yet counted.
_SPENT = sa.literal_column(
    f"""greatest(0, {_AGE} - r.waited_seconds
    - CASE WHEN r.status IN ({literals(WAITS_FOR_OTHERS)}) THEN {lasted("r.updated_at")} ELSE 0 END)""",
    sa.Double,
)
_RETRIES = _r.c.attempt - 1 + _r.c.late_retries + _r.c.crash_attempts
_ROLES = sa.select(sa.func.string_agg(_t.c.role.distinct(), _COMMA)).where(_t.c.run_id == _r.c.id, _OPEN_TASK)
_RULES = sa.select(sa.func.string_agg(_a.c.rule, aggregate_order_by(_COMMA, _a.c.rule))).where(
    _a.c.run_id == _r.c.id, _OPEN_ALERT
)
_COMPUTED = {
    "age_seconds": sa.literal_column(_AGE, sa.Double),
    "spent_seconds": _SPENT,
    "retries": _RETRIES,
    "waits_for_role": _ROLES.scalar_subquery(),
    "alerts": _RULES.scalar_subquery(),
}
_LINES = sa.select(
    *(_r.c[name] for name in RunLine.__dataclass_fields__ if name not in _COMPUTED),
    *(column.label(name) for name, column in _COMPUTED.items()),
).order_by(_r.c.id.desc())


def page(db: Connection, wanted: RunFilter, *, limit: int) -> list[RunLine]:
    """Up to `limit` runs, newest first."""
    text = wanted.text.strip()
    found = [each.run_id for each in finding.find_all(db, text, limit=200)] if text else []
    return fetch(db, _LINES.where(*_narrowed(wanted, text, found)).limit(limit), RunLine)


def children(db: Connection, run_id: UUID, *, limit: int | None = None) -> list[ChildLine]:
    """The children a run ever started, those of its first steps first."""
    lines = _LINES.add_columns(_r.c.parent_step_seq).where(_r.c.parent_run_id == run_id)
    return fetch(db, lines.order_by(None).order_by(_r.c.parent_step_seq, _r.c.subject).limit(limit), ChildLine)


def _narrowed(wanted: RunFilter, text: str, found: Sequence[UUID]) -> Iterator[sa.ColumnElement[bool]]:
    yield _family(wanted, text, found)
    yield from _standing(wanted)
    yield from _going(wanted)
    if wanted.before:
        yield _r.c.id < wanted.before


def _family(wanted: RunFilter, text: str, found: Sequence[UUID]) -> sa.ColumnElement[bool]:
    """Root runs, unless others are meant."""
    if text:
        return (_r.c.id == sa.any_(sa.literal(found, ARRAY(sa.Uuid)))) | sa.func.starts_with(_r.c.subject, text)
    return _r.c.parent_run_id == wanted.parent if wanted.parent else _r.c.parent_run_id.is_(None)


def _standing(wanted: RunFilter) -> Iterator[sa.ColumnElement[bool]]:
    """What it is and where it stands."""
    if wanted.status:
        yield among(_r.c.status, [str(status) for status in wanted.status])
    if wanted.workflow:
        yield _r.c.workflow == wanted.workflow
    if wanted.version is not None:
        yield _r.c.workflow_version == wanted.version
    if wanted.state:
        yield _r.c.state == wanted.state
    if wanted.subject:
        yield sa.func.starts_with(_r.c.subject, wanted.subject)
    if wanted.since:
        yield _r.c.created_at >= wanted.since
    if wanted.until:
        yield _r.c.created_at < wanted.until


def _going(wanted: RunFilter) -> Iterator[sa.ColumnElement[bool]]:
    """How it goes, and who should look at it."""
    if wanted.least_tokens is not None:
        yield _r.c.tokens_in + _r.c.tokens_out >= wanted.least_tokens
    if wanted.retried:
        yield _RETRIES > 0
    if wanted.late:
        yield _r.c.expected_seconds < _SPENT
    if wanted.role:
        yield _r.c.id.in_(sa.select(_t.c.run_id).where(_OPEN_TASK, _t.c.role == wanted.role))
    if wanted.alert:
        rule = [] if wanted.alert == ANY_ALERT else [_a.c.rule == wanted.alert]
        yield _r.c.id.in_(sa.select(_a.c.run_id).where(_OPEN_ALERT, *rule))


def alert_rules(db: Connection) -> Sequence[str]:
    """The rules with an open alert."""
    rows = db.execute("SELECT DISTINCT rule FROM alerts WHERE resolved_at IS NULL ORDER BY rule").fetchall()
    return [row["rule"] for row in rows]
