"""API keys as rows. The law: of the secret only its hash is stored; the database's clock says whether a key still lets in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.store import rows
from app.store.clock import silence
from app.store.database import Connection
from app.store.rows import columns


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key, without anything a program could send."""

    id: UUID
    username: str
    name: str
    scopes: Sequence[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveKey:
    """A key that lets in now, with its person. unused_seconds: since its last use was noted, without end if none was."""

    id: UUID
    key_hash: str
    username: str
    scopes: Sequence[str]
    display_name: str
    roles: Sequence[str]
    authority: Decimal
    unused_seconds: float


_KEY = columns(ApiKey)


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
) -> ApiKey:
    """Keep a key."""
    row = db.execute(
        f"""INSERT INTO api_keys (id, key_hash, username, name, scopes, created_by, created_at, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, app_now(), app_now() + make_interval(secs => %s)) RETURNING {_KEY}""",
        [key_id, key_hash, username, name, list(scopes), by, None if days is None else days * 86_400.0],
    ).fetchone()
    assert row is not None
    return ApiKey(**row)


def live(db: Connection, key_id: UUID) -> LiveKey | None:
    """The key of this id, if it lets in now."""
    row = db.execute(
        f"""SELECT k.id, k.key_hash, k.username, k.scopes, u.display_name, u.roles, u.authority,
               coalesce({silence("k.used_at")}, 'infinity') AS unused_seconds
           FROM api_keys k JOIN users u ON u.username = k.username AND u.disabled_at IS NULL
           WHERE k.id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > app_now())""",
        [key_id],
    ).fetchone()
    return LiveKey(**row) if row else None


def touch(db: Connection, key_id: UUID) -> None:
    """Note that a key is used now."""
    db.execute("UPDATE api_keys SET used_at = app_now() WHERE id = %s", [key_id])


def revoke(db: Connection, key_id: UUID) -> ApiKey | None:
    """End a key, now or as it was ended before; None if there is no such key."""
    row = db.execute(
        f"UPDATE api_keys SET revoked_at = coalesce(revoked_at, app_now()) WHERE id = %s RETURNING {_KEY}", [key_id]
    ).fetchone()
    return ApiKey(**row) if row else None


def everyones(db: Connection, username: str | None = None) -> list[ApiKey]:
    """The keys of a person, or all, newest first."""
    return rows.every(
        db,
        ApiKey,
        f"""SELECT {_KEY} FROM api_keys WHERE %(who)s::text IS NULL OR username = %(who)s
            ORDER BY created_at DESC LIMIT 500""",
        {"who": username},
    )
