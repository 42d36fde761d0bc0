"""Alerts as rows. The law: at most one open alert per (rule, subject); the database's unique index says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.core.ids import new_id
from app.store.database import Connection


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that holds. `subject` is what it is about: an id, a queue, the name of a sweep."""

    rule: str
    subject: str
    message: str = field(compare=False)
    run_id: UUID | None = field(default=None, compare=False)
    detail: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert's row."""

    id: UUID
    alert: Alert


_COLUMNS = "id, rule, subject, message, run_id, detail"


def open_alert(db: Connection, alert: Alert) -> UUID | None:
    """Open an alert; its id, or None if one of this rule and subject is open already."""
    row = db.execute(
        """INSERT INTO alerts (id, rule, subject, run_id, message, detail, opened_at) VALUES (%s, %s, %s, %s, %s, %s::jsonb, app_now())
           ON CONFLICT (rule, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING id""",
        [new_id(), alert.rule, alert.subject, alert.run_id, alert.message, canonical(alert.detail)],
    ).fetchone()
    return row["id"] if row else None


def resolve(db: Connection, alert_id: UUID) -> bool:
    """Note that the condition has ended; False if somebody noted it before."""
    row = db.execute(
        "UPDATE alerts SET resolved_at = app_now() WHERE id = %s AND resolved_at IS NULL RETURNING id", [alert_id]
    ).fetchone()
    return row is not None


def standing(db: Connection, rules: Sequence[str]) -> list[Standing]:
    """The open alerts of some rules, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM alerts WHERE resolved_at IS NULL AND rule = ANY (%s) ORDER BY opened_at", [list(rules)]
    ).fetchall()
    return [Standing(row.pop("id"), Alert(**row)) for row in rows]
