"""The people who may answer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.store.database import Connection


def upsert(
    db: Connection, username: str, display_name: str, roles: Sequence[str], authority: Decimal, currency: str
) -> None:
    """Enrol a person, or change who they are and up to how much of a currency they may approve, whatever the coverage."""
    db.execute(
        """INSERT INTO users (username, display_name, roles, authority, created_at) VALUES (%s, %s, %s, %s, app_now())
           ON CONFLICT (username) DO UPDATE
           SET display_name = excluded.display_name, roles = excluded.roles, authority = excluded.authority""",
        [username, display_name, list(roles), authority],
    )
    db.execute(
        """INSERT INTO authorities (holder, currency, up_to) VALUES (%s, %s, %s)
           ON CONFLICT (holder, coverage, currency) DO UPDATE SET up_to = excluded.up_to""",
        [username, currency, authority],
    )


def find(db: Connection, username: str) -> dict[str, Any] | None:
    return db.execute("SELECT * FROM users WHERE username = %s", [username]).fetchone()


def everyone(db: Connection) -> list[dict[str, Any]]:
    return db.execute("SELECT * FROM users ORDER BY username").fetchall()
