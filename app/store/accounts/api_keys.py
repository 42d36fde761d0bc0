"""API keys as rows. The law: of the secret only its hash is stored; the database's clock says whether a key still lets in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.store.clock import silence
from app.store.database import Connection

_LISTED = "id, username, name, scopes, created_by, created_at, expires_at, used_at, revoked_at"


def insert(
    db: Connection,
    key_id: UUID,
    key_hash: str,
    *,
    username: str,
    name: str,
    scopes: Sequence[str],
    by: str,
    days: float | None,
) -> dict[str, Any]:
    """Keep a key; its row."""
    row = db.execute(
        f"""INSERT INTO api_keys (id, key_hash, username, name, scopes, created_by, created_at, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, app_now(), app_now() + make_interval(secs => %s)) RETURNING {_LISTED}""",
        [key_id, key_hash, username, name, list(scopes), by, None if days is None else days * 86_400.0],
    ).fetchone()
    assert row is not None
    return row


def live(db: Connection, key_id: UUID) -> dict[str, Any] | None:
    """A key that lets in now, with its hash, its person, and `unused_seconds` since its last use was noted."""
    return db.execute(
        f"""SELECT k.id, k.key_hash, k.username, k.scopes, u.display_name, u.roles, u.authority,
               coalesce({silence("k.used_at")}, 'infinity') AS unused_seconds
           FROM api_keys k JOIN users u ON u.username = k.username AND u.disabled_at IS NULL
           WHERE k.id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > app_now())""",
        [key_id],
    ).fetchone()


def touch(db: Connection, key_id: UUID) -> None:
    """Note that a key is used now."""
    db.execute("UPDATE api_keys SET used_at = app_now() WHERE id = %s", [key_id])


def revoke(db: Connection, key_id: UUID) -> dict[str, Any] | None:
    """End a key, now or as it was ended before; None if there is no such key."""
    return db.execute(
        f"UPDATE api_keys SET revoked_at = coalesce(revoked_at, app_now()) WHERE id = %s RETURNING {_LISTED}", [key_id]
    ).fetchone()


def everyones(db: Connection, username: str | None = None) -> list[dict[str, Any]]:
    """The keys of a person, or all, newest first."""
    return db.execute(
        f"""SELECT {_LISTED} FROM api_keys WHERE %(who)s::text IS NULL OR username = %(who)s
            ORDER BY created_at DESC LIMIT 500""",
        {"who": username},
    ).fetchall()
