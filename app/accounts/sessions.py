"""Sessions: who is signed in, since when, and when they last proved it.

The law: the browser holds a random token, the table its hash. A session ends by being idle, by its age, by signing out, or with its
person; what a person may do is read from the database each time.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from app.accounts.people import Person
from app.engine.runtime import Runtime
from app.store.accounts import sessions

LASTS_SECONDS = 12 * 3600.0
IDLE_SECONDS = 30 * 60.0
PROOF_SECONDS = 10 * 60.0
"""How long a proof of identity lasts for what signs off."""
_TOUCH_SECONDS = 60.0
_LONGEST_AGENT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A live session. `csrf`: what its forms must carry. `proven`: within PROOF_SECONDS."""

    id_hash: str
    person: Person
    csrf: str
    proven: bool
    has_password: bool


def hashed(token: str) -> str:
    """What the database knows of a token. Plain SHA-256: the tokens are random and long, nobody guesses them."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(
    rt: Runtime, person: Person, *, let_in_by: str, agent: str = "", instead_of: str | None = None, proven: bool = True
) -> str:
    """Begin a session, in place of the one of the token `instead_of`; its token. `let_in_by`: password, link or oidc.

    `proven`: the person showed just now who they are.
    """
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)

    with rt.database.transaction() as db:
        if instead_of:
            sessions.end(db, hashed(instead_of))
        sessions.begin(
            db,
            hashed(token),
            username=person.username,
            csrf=csrf,
            let_in_by=let_in_by,
            lasts_seconds=LASTS_SECONDS,
            agent=agent[:_LONGEST_AGENT],
            proven=proven,
        )
    return token


def find(rt: Runtime, token: str) -> Session | None:
    """The live session of a token; using it keeps it from being idle."""
    with rt.database.transaction() as db:
        row = sessions.find(db, hashed(token), idle_seconds=IDLE_SECONDS)
        if row is None:
            return None
        if row.unseen_seconds > _TOUCH_SECONDS:
            sessions.touch(db, row.id_hash)
    person = Person(row.username, row.display_name, tuple(row.roles), row.authority)
    proven = row.proven_seconds is not None and row.proven_seconds < PROOF_SECONDS
    return Session(id_hash=row.id_hash, person=person, csrf=row.csrf, proven=proven, has_password=row.has_password)


def prove(rt: Runtime, session: Session) -> None:
    """Keep that the person of a session has just proved who they are."""
    rt.database.transact(lambda db: sessions.prove(db, session.id_hash))


def end(rt: Runtime, token: str) -> None:
    """End the session of a token."""
    rt.database.transact(lambda db: sessions.end(db, hashed(token)))


def end_others(rt: Runtime, session: Session) -> int:
    """End all other sessions of the same person; how many."""
    return rt.database.transact(lambda db: sessions.end_all(db, session.person.username, but=session.id_hash))
