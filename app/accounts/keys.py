"""API keys: what a program is let in by, in the name of a person.

The law: a key is shown once and kept as a hash. It may do what its scopes say and its person may, never more, and never what
asks for a proof that the person is there. It ends by its time, by being revoked, or with its person.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.accounts import people
from app.accounts.people import Person
from app.accounts.sessions import hashed
from app.core.errors import BadInput, NotFound
from app.core.ids import new_id
from app.engine.runtime import Runtime
from app.store.accounts import api_keys
from app.store.accounts.api_keys import ApiKey
from app.store.database import Connection
from app.telemetry import logs

SCOPES = ("read", "submit", "work", "operate", "export", "admin")
PREFIX = "lh_"
MOST_DAYS = 730.0
_TOUCH_SECONDS = 60.0
_LONGEST_NAME = 120
_UNKNOWN = hashed("")


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key that lets in now. `scopes`: what it may be used for, as far as `person` may do it at all."""

    id: UUID
    person: Person
    scopes: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """A new key. `secret` is what a program sends; it is not kept, and cannot be shown again."""

    id: UUID
    secret: str
    expires_at: datetime | None


def create(rt: Runtime, username: str, *, name: str, scopes: Sequence[str], days: float | None, by: str) -> Created:
    """Make a key for a person, for `days` or for good. Raises BadInput naming the field, NotFound."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise BadInput(f"scope: there is no {', '.join(unknown)}; the scopes are {', '.join(SCOPES)}")
    if not scopes:
        raise BadInput(f"scope: name at least one of {', '.join(SCOPES)}")
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadInput(f"name: say what the key is for in 1 to {_LONGEST_NAME} printable characters")
    if days is not None and not 0 < days <= MOST_DAYS:
        raise BadInput(f"days: a key lasts up to {MOST_DAYS:.0f} days")
    key_id, secret = new_id(), secrets.token_urlsafe(32)

    def work(db: Connection) -> ApiKey:
        people.find(db, username)
        return api_keys.insert(
            db,
            key_id,
            hashed(secret),
            username=username,
            name=name.strip(),
            scopes=sorted(set(scopes)),
            by=by,
            days=days,
        )

    row = rt.database.transact(work)
    logs.event("api_keys", event="created", key=str(key_id), username=username, actor=by, scopes=row.scopes)
    return Created(id=key_id, secret=f"{PREFIX}{key_id.hex}_{secret}", expires_at=row.expires_at)


def find(rt: Runtime, sent: str) -> Key | None:
    """The key a program sent, if it lets in now; its use is noted once a minute at most."""
    key_id, secret = _parts(sent)
    with rt.database.transaction() as db:
        row = api_keys.live(db, key_id) if key_id else None
        fits = hmac.compare_digest(row.key_hash if row else _UNKNOWN, hashed(secret))
        if row is None or not fits:
            return None
        if row.unused_seconds > _TOUCH_SECONDS:
            api_keys.touch(db, row.id)
    person = Person(row.username, row.display_name, tuple(row.roles), row.authority)
    return Key(id=row.id, person=person, scopes=frozenset(row.scopes))


def revoke(rt: Runtime, key_id: UUID, *, by: str) -> None:
    """End a key at once. Raises NotFound."""
    if rt.database.transact(lambda db: api_keys.revoke(db, key_id)) is None:
        raise NotFound(f"there is no key {key_id}; `longhaul keys list` says which there are")
    logs.event("api_keys", event="revoked", key=str(key_id), actor=by)


def listed(rt: Runtime, username: str | None = None) -> list[ApiKey]:
    """The keys there are, without anything a program could send."""
    return rt.database.transact(lambda db: api_keys.everyones(db, username))


def _parts(sent: str) -> tuple[UUID | None, str]:
    hex_id, _, secret = sent.removeprefix(PREFIX).partition("_")
    try:
        return (UUID(hex_id) if sent.startswith(PREFIX) else None), secret
    except ValueError:
        return None, secret
