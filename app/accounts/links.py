"""One-time sign-in links: how somebody without a password gets in, and the first administrator at all.

The law: a link is shown once, known by its hash, used once, and by sending a form: whoever only looks at it (a mail scanner,
a preview) does not use it up.
"""

from __future__ import annotations

import secrets

from app.accounts import people, throttle
from app.accounts.people import Person
from app.accounts.sessions import hashed
from app.core.errors import NotFound
from app.engine.runtime import Runtime
from app.store.accounts import sessions

LASTS_SECONDS = 24 * 3600.0
PATH = "/sign-in/link/"
_SPENT = "this link was used already, has expired, or was never one of ours; ask for a new one"


def make(rt: Runtime, username: str, *, by: str, lasts_seconds: float = LASTS_SECONDS) -> str:
    """A new link's token; its address is `<where the pages are>/sign-in/link/<token>`. Raises NotFound for nobody."""
    token = secrets.token_urlsafe(32)
    with rt.database.transaction() as db:
        people.find(db, username)
        sessions.add_link(db, hashed(token), username=username, by=by, lasts_seconds=lasts_seconds)
    return token


def whose(rt: Runtime, token: str) -> Person:
    """Whom a link would let in, without using it. Raises NotFound if it cannot be used (any more)."""
    with rt.database.transaction() as db:
        username = sessions.link_for(db, hashed(token))
        if username is None:
            raise NotFound(_SPENT)
        return people.find(db, username)


def use(rt: Runtime, token: str, *, address: str) -> Person:
    """Use a link up: whom it lets in. Raises NotFound; TooOften for an address that tries many."""
    throttle.refuse_guessing(rt, name=None, address=address)
    with rt.database.transaction() as db:
        username = sessions.use_link(db, hashed(token))
        person = people.find(db, username) if username is not None else None
    if person is None:
        throttle.failed(rt, name=None, address=address)
        raise NotFound(_SPENT)
    return person
