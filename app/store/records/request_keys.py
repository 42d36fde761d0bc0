"""Idempotency keys of requests: the same key and body give the same answer, another body is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from app.core.canonical import canonical
from app.core.errors import KeyReused
from app.store.clock import BARE, passed
from app.store.database import Connection

Hashes = Callable[[], Collection[str]]


def recall(db: Connection, scope: str, key: str, body_hash: str, *, also: Hashes = tuple) -> Any | None:
    """The answer given under this key before. Raises KeyReused if it was given for another body.

    also: hashes under which earlier releases wrote the same body.
    """
    row = db.execute(
        "SELECT body_hash, answer FROM idempotency_keys WHERE scope = %s AND key = %s", [scope, key]
    ).fetchone()
    if row is None:
        return None
    if row["body_hash"] not in (body_hash, *also()):
        raise KeyReused(
            f"the idempotency key {key!r} was used before with another body; send a new key for a new request"
        )
    return row["answer"]


def reserve(db: Connection, scope: str, key: str, body_hash: str, answer: Any, *, also: Hashes = tuple) -> Any | None:
    """Record an answer under a key. The answer recorded before, if there is one (waits for a rival's commit).

    Whoever reserves a key writes what the answer speaks of in the same `all_or_nothing`, or the key speaks of nothing.
    """
    while True:
        row = db.execute(
            """INSERT INTO idempotency_keys (scope, key, body_hash, answer, created_at) VALUES (%s, %s, %s, %s::jsonb, app_now())
               ON CONFLICT DO NOTHING RETURNING key""",
            [scope, key, body_hash, canonical(answer)],
        ).fetchone()
        # The one in our way may have been forgotten between the two looks.
        if row or (before := recall(db, scope, key, body_hash, also=also)) is not None:
            return None if row else before


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
    answer = recall(db, scope, key, body_hash)
    return False, None if isinstance(answer, dict) and _UNDER_WAY in answer else answer


def answered(db: Connection, scope: str, key: str, answer: Any, *, owner: str) -> None:
    """Write the answer behind a key that `owner` took; who was given up meanwhile writes nothing."""
    db.execute(
        "UPDATE idempotency_keys SET answer = %s::jsonb WHERE scope = %s AND key = %s AND answer = %s::jsonb",
        [canonical(answer), scope, key, canonical({_UNDER_WAY: owner})],
    )


def give_back(db: Connection, scope: str, key: str, *, owner: str) -> None:
    """Free a key whose work was refused: nothing was done, so the same request may come again."""
    free(db, scope, key, {_UNDER_WAY: owner})
