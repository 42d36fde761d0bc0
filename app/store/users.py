"""The people who may answer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.store.database import Connection


def upsert(db: Connection, username: str, display_name: str, roles: Sequence[str], authority: Decimal) -> None:
    """Enrol a person, or change who they are."""
    db.execute(
        """INSERT INTO users (username, display_name, roles, authority, created_at) VALUES (%s, %s, %s, %s, app_now())
           ON CONFLICT (username) DO UPDATE
           SET display_name = excluded.display_name, roles = excluded.roles, authority = excluded.authority""",
        [username, display_name, list(roles), authority],
    )


def find(db: Connection, username: str) -> dict[str, Any] | None:
    return db.execute("SELECT * FROM users WHERE username = %s", [username]).fetchone()


def everyone(db: Connection) -> list[dict[str, Any]]:
    return db.execute("SELECT * FROM users ORDER BY username").fetchall()
