"""Idempotency keys of requests: the same key and body give the same answer, another body is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from app.core.canonical import canonical
from app.core.errors import KeyReused
from app.store.clock import BARE, passed
from app.store.database import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept under a key: the digest of the body that it came with, and the answer."""

    body_hash: str
    answer: Any


def recall(db: Connection, scope: str, keys: Collection[str]) -> dict[str, Kept]:
    """What was kept under each of these keys; those under which nothing was are left out."""
    rows = db.execute(
        "SELECT key, body_hash, answer FROM idempotency_keys WHERE scope = %s AND key = ANY (%s)", [scope, list(keys)]
    )
    return {row["key"]: Kept(row["body_hash"], row["answer"]) for row in rows}


def refuse_another_body(key: str, kept: Kept, *bodies: str) -> None:
    """Raises KeyReused if the key came with none of these bodies before."""
    if kept.body_hash not in bodies:
        raise KeyReused(
            f"the idempotency key {key!r} was used before with another body; send a new key for a new request"
        )


def free(db: Connection, scope: str, key: str, answer: Any) -> None:
    """Free a key whose answer speaks of nothing."""
    db.execute(
        "DELETE FROM idempotency_keys WHERE scope = %s AND key = %s AND answer = %s::jsonb",
        [scope, key, canonical(answer)],
    )


_UNDER_WAY = "$under_way"  # in place of an answer: whose work it is


def take(
    db: Connection, scope: str, key: str, body_hash: str, *, owner: str, forgotten_seconds: float
) -> tuple[bool, Any | None]:
    """Take a key for work about to be done: (it is ours, the answer given before). (False, None): somebody is at it.

    Whoever took it and wrote no answer for `forgotten_seconds` is given up, and the key is `owner`'s. Raises KeyReused.
    """
    mark = canonical({_UNDER_WAY: owner})
    params = {
        "scope": scope,
        "key": key,
        "body": body_hash,
        "mark": mark,
        "age": forgotten_seconds,
        "field": _UNDER_WAY,
    }
    row = db.execute(
        f"""INSERT INTO idempotency_keys AS k (scope, key, body_hash, answer, created_at)
           VALUES (%(scope)s, %(key)s, %(body)s, %(mark)s::jsonb, app_now())
           ON CONFLICT (scope, key) DO UPDATE SET answer = excluded.answer, created_at = excluded.created_at
           WHERE jsonb_exists(k.answer, %(field)s) AND k.body_hash = %(body)s
             AND {passed("k.created_at", "%(age)s", BARE)} RETURNING key""",
        params,
    ).fetchone()
    if row:
        return True, None
    if (kept := recall(db, scope, [key]).get(key)) is None:
        return False, None
    refuse_another_body(key, kept, body_hash)
    return False, None if isinstance(kept.answer, dict) and _UNDER_WAY in kept.answer else kept.answer


def answered(db: Connection, scope: str, key: str, answer: Any, *, owner: str) -> None:
    """Write the answer behind a key that `owner` took; who was given up meanwhile writes nothing."""
    db.execute(
        "UPDATE idempotency_keys SET answer = %s::jsonb WHERE scope = %s AND key = %s AND answer = %s::jsonb",
        [canonical(answer), scope, key, canonical({_UNDER_WAY: owner})],
    )


def give_back(db: Connection, scope: str, key: str, *, owner: str) -> None:
    """Free a key whose work was refused: nothing was done, so the same request may come again."""
    free(db, scope, key, {_UNDER_WAY: owner})
