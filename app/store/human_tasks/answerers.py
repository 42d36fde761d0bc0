"""Who could answer a human task, and up to how much each may approve: what a person is shown before they try.

It decides nothing: `approve_action` in the database does, when somebody answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.store.database import Connection

MOST = 50  # people named for one task


def of_role(
    db: Connection, role: str, *, not_by: Sequence[str], coverage: str, currency: str, limit: int = MOST
) -> list[dict[str, Any]]:
    """username, display_name and authority (`up_to`, in `currency` under `coverage`) of those who may answer, by name."""
    return db.execute(
        """SELECT u.username, u.display_name, authority_of(u.username, %(role)s, %(coverage)s, %(currency)s) AS up_to
           FROM users u WHERE %(role)s = ANY (u.roles) AND NOT u.username = ANY (%(not_by)s::text[]) AND u.disabled_at IS NULL
           ORDER BY u.display_name LIMIT %(limit)s""",
        {"role": role, "not_by": list(not_by), "coverage": coverage, "currency": currency, "limit": limit},
    ).fetchall()


def names(db: Connection, usernames: Sequence[str]) -> dict[str, str]:
    """The names of these people, by username."""
    rows = db.execute(
        "SELECT username, display_name FROM users WHERE username = ANY (%s)", [list(usernames)]
    ).fetchall()
    return {row["username"]: row["display_name"] for row in rows}
