"""Idempotency keys of requests: the same key and body give the same answer, another body is refused."""

from __future__ import annotations

from typing import Any

from app.core.canonical import canonical
from app.core.errors import KeyReused
from app.store.database import Connection


def recall(db: Connection, scope: str, key: str, body_hash: str) -> Any | None:
    """The answer given under this key before. Raises KeyReused if it was given for another body."""
    row = db.execute(
        "SELECT body_hash, answer FROM idempotency_keys WHERE scope = %s AND key = %s", [scope, key]
    ).fetchone()
    if row is None:
        return None
    if row["body_hash"] != body_hash:
        raise KeyReused(
            f"the idempotency key {key!r} was used before with another body; send a new key for a new request"
        )
    return row["answer"]


def reserve(db: Connection, scope: str, key: str, body_hash: str, answer: Any) -> Any | None:
    """Record an answer under a key. The answer recorded before, if there is one (waits for a rival's commit)."""
    row = db.execute(
        """INSERT INTO idempotency_keys (scope, key, body_hash, answer, created_at) VALUES (%s, %s, %s, %s::jsonb, app_now())
           ON CONFLICT DO NOTHING RETURNING key""",
        [scope, key, body_hash, canonical(answer)],
    ).fetchone()
    return None if row else recall(db, scope, key, body_hash)
