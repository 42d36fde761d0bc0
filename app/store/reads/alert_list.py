"""The list of alerts: the open ones, newest first and those alike as one, and those of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.store.composed import fetch, place
from app.store.database import Connection
from app.store.tables.base import Moment
from app.store.tables.records import alerts
from app.store.tables.runs import runs

MOST_ALIKE = 1001  # what is more is told as "more than 1,000"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertLine:
    """An alert. subject: what it is about. alike: how many open ones its entry stands for, up to MOST_ALIKE; 1 where each is listed."""

    id: UUID
    rule: str
    subject: str
    run_id: UUID | None
    run_subject: str | None
    message: str
    detail: Any
    fingerprint: str | None
    opened_at: datetime
    resolved_at: datetime | None
    alike: int


_a, _e, _one, _r = alerts.alias("a"), alerts.alias("e"), alerts.alias("one"), runs.alias("r")
# The kinds of those that are alike, by jumps along their index.
_KINDS = (
    sa.text("""
    (SELECT rule, fingerprint FROM alerts WHERE resolved_at IS NULL AND fingerprint IS NOT NULL ORDER BY rule, fingerprint LIMIT 1)
    UNION ALL
    SELECT next.rule, next.fingerprint FROM kinds CROSS JOIN LATERAL (
        SELECT rule, fingerprint FROM alerts WHERE resolved_at IS NULL AND fingerprint IS NOT NULL
          AND (rule, fingerprint) > (kinds.rule, kinds.fingerprint) ORDER BY rule, fingerprint LIMIT 1) next""")
    .columns(sa.column("rule", sa.Text), sa.column("fingerprint", sa.Text))
    .cte("kinds", recursive=True)
)
_OF_KIND = (_e.c.resolved_at.is_(None), _e.c.rule == _KINDS.c.rule, _e.c.fingerprint == _KINDS.c.fingerprint)
_NEWEST = sa.select(_e.c.id, _e.c.opened_at).where(*_OF_KIND).order_by(_e.c.opened_at.desc(), _e.c.id.desc())
_newest = _NEWEST.limit(1).correlate(_KINDS).lateral("newest")
_ALIKE = sa.select(sa.func.count()).select_from(
    sa.select(_e.c.id).where(*_OF_KIND).limit(MOST_ALIKE).correlate(_KINDS).lateral()
)
_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)
_SINGLE = sa.select(_one.c.id, _ONE.label("alike")).where(_one.c.resolved_at.is_(None), _one.c.fingerprint.is_(None))
_FIRST = sa.select(_newest.c.id, _ALIKE.scalar_subquery().label("alike")).select_from(_KINDS.join(_newest, sa.true()))
_OF_RUNS = _a.outerjoin(_r, _r.c.id == _a.c.run_id)
_SHOWN = [
    (_r.c.subject if name == "run_subject" else _a.c[name]).label(name)
    for name in AlertLine.__dataclass_fields__
    if name != "alike"
]


def still_open(db: Connection, *, limit: int, behind: tuple[datetime, UUID] | None = None) -> list[AlertLine]:
    """Open alerts, newest first; of a rule's alerts about runs that stopped of the same thing the newest stands for all."""
    single, first = _SINGLE, _FIRST
    if behind:
        last = place(sa.literal(behind[0], Moment), behind[1])
        single = single.where(sa.tuple_(_one.c.opened_at, _one.c.id) < last)
        first = first.where(sa.tuple_(_newest.c.opened_at, _newest.c.id) < last)
    single = single.order_by(_one.c.opened_at.desc(), _one.c.id.desc()).limit(limit)
    chosen = sa.union_all(single, first).cte("chosen")
    lines = sa.select(*_SHOWN, chosen.c.alike).select_from(_OF_RUNS.join(chosen, chosen.c.id == _a.c.id))
    return fetch(db, lines.order_by(_a.c.opened_at.desc(), _a.c.id.desc()).limit(limit), AlertLine)


def of_run(db: Connection, run_id: UUID) -> list[AlertLine]:
    """All alerts of a run, newest first."""
    lines = sa.select(*_SHOWN, _ONE.label("alike")).select_from(_OF_RUNS).where(_a.c.run_id == run_id)
    return fetch(db, lines.order_by(_a.c.opened_at.desc()), AlertLine)
