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


def open_all(db: Connection, new: Sequence[Alert]) -> list[Alert]:
    """Open alerts; those of which none of the same rule and subject was open."""
    rows = db.execute(
        """INSERT INTO alerts (id, rule, subject, run_id, message, detail, opened_at)
           SELECT g.id, g.rule, g.subject, g.run_id, g.message, g.detail::jsonb, app_now()
           FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[])
               AS g(id, rule, subject, run_id, message, detail) ORDER BY g.rule, g.subject
           ON CONFLICT (rule, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING rule, subject""",
        [
            [new_id() for _ in new],
            [alert.rule for alert in new],
            [alert.subject for alert in new],
            [alert.run_id for alert in new],
            [alert.message for alert in new],
            [canonical(alert.detail) for alert in new],
        ],
    ).fetchall()
    opened = {(row["rule"], row["subject"]) for row in rows}
    return [alert for alert in new if (alert.rule, alert.subject) in opened]


def resolve_all(db: Connection, over: Sequence[Standing]) -> list[Alert]:
    """Note that these conditions have ended; those of which nobody noted it before."""
    rows = db.execute(
        "UPDATE alerts SET resolved_at = app_now() WHERE id = ANY (%s) AND resolved_at IS NULL RETURNING id",
        [[row.id for row in over]],
    ).fetchall()
    resolved = {row["id"] for row in rows}
    return [row.alert for row in over if row.id in resolved]


def standing(db: Connection, rules: Sequence[str]) -> list[Standing]:
    """The open alerts of some rules, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM alerts WHERE resolved_at IS NULL AND rule = ANY (%s) ORDER BY opened_at", [list(rules)]
    ).fetchall()
    return [Standing(row.pop("id"), Alert(**row)) for row in rows]


def standing_after(db: Connection, rules: Sequence[str], after: tuple[str, str], limit: int) -> list[Standing]:
    """The next open alerts of some rules, by rule and subject."""
    rows = db.execute(
        f"""SELECT {_COLUMNS} FROM alerts WHERE resolved_at IS NULL AND rule = ANY (%s) AND (rule, subject) > (%s, %s)
            ORDER BY rule, subject LIMIT %s""",
        [list(rules), *after, limit],
    ).fetchall()
    return [Standing(row.pop("id"), Alert(**row)) for row in rows]
