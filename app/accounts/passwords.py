"""Passwords: Argon2id, with the parameters of RFC 9106's second choice, as argon2-cffi sets them.

The law: an unknown name costs as much as a wrong password, and says the same.
"""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.accounts import people, throttle
from app.accounts.people import Person
from app.core.errors import BadInput, NotEntitled
from app.engine.runtime import Runtime
from app.store.accounts import sessions, users

SHORTEST, LONGEST = 12, 256  # characters; length is what makes one hard to guess (NIST SP 800-63B)
_HASHER = PasswordHasher()


class WrongPassword(NotEntitled):
    """The name or the password is wrong; which one is not said."""


def sign_in(rt: Runtime, username: str, password: str, *, address: str) -> Person:
    """The person of a name and password. Raises WrongPassword, or TooOften before looking."""
    name = username.strip()
    throttle.refuse_guessing(rt, name=name, address=address)
    kept = rt.database.transact(lambda db: users.password_hash(db, name))
    if not _matches(kept, password):
        throttle.failed(rt, name=name, address=address)
        raise WrongPassword(
            "this name and this password do not belong together; no link or password? Ask an administrator"
        )
    throttle.forgive(rt, name=name)
    if kept and _HASHER.check_needs_rehash(kept):
        again = _HASHER.hash(password)
        rt.database.transact(lambda db: users.set_password(db, name, again))
    return rt.database.transact(lambda db: people.find(db, name))


def change(rt: Runtime, username: str, password: str, *, keep_session: str = "") -> None:
    """Give a person a new password; all their sessions end, but the one of the hash `keep_session`. Raises BadInput."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"password: {SHORTEST} to {LONGEST} characters, please; a few words in a row are easy to keep")
    if username.lower() in password.lower():
        raise BadInput("password: leave your own name out of it")
    kept = _HASHER.hash(password)
    with rt.database.transaction() as db:
        people.find(db, username)
        users.set_password(db, username, kept)
        sessions.end_all(db, username, but=keep_session)


def _matches(kept: str | None, password: str) -> bool:
    if len(password) > LONGEST:
        return False
    try:
        _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """What a name without a password is compared with."""
    return _HASHER.hash("nobody has this password, and comparing it takes as long as any")
