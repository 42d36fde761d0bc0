"""Who could answer a human task, and up to how much each may approve: what a person is shown before they try.

It decides nothing: `approve_action` in the database does, when somebody answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.store import rows
from app.store.database import Connection

MOST = 50  # people named for one task


@dataclass(frozen=True, kw_only=True, slots=True)
class Answerer:
    """Somebody who may answer a task, and the amount up to which they may approve, in the currency and coverage asked for."""

    username: str
    display_name: str
    up_to: Decimal


def of_role(
    db: Connection, role: str, *, not_by: Sequence[str], coverage: str, currency: str, limit: int = MOST
) -> list[Answerer]:
    """Those who may answer, by name, each with their authority in `currency` under `coverage`."""
    return rows.every(
        db,
        Answerer,
        """SELECT u.username, u.display_name, authority_of(u.username, %(role)s, %(coverage)s, %(currency)s) AS up_to
           FROM users u WHERE %(role)s = ANY (u.roles) AND NOT u.username = ANY (%(not_by)s::text[]) AND u.disabled_at IS NULL
           ORDER BY u.display_name LIMIT %(limit)s""",
        {"role": role, "not_by": list(not_by), "coverage": coverage, "currency": currency, "limit": limit},
    )


def names(db: Connection, usernames: Sequence[str]) -> dict[str, str]:
    """The names of these people, by username."""
    rows = db.execute(
        "SELECT username, display_name FROM users WHERE username = ANY (%s)", [list(usernames)]
    ).fetchall()
    return {row["username"]: row["display_name"] for row in rows}
