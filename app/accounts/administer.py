"""Who there is: enrolled, given roles and authority, let in, shut out.

The law: every change is kept with who made it, and bars them from approving money of the runs then under way; an administrator
decides no claim, and the last one cannot be taken away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from app.accounts import links, people
from app.accounts.people import Person
from app.core.declarations.roles import ADMIN
from app.core.errors import BadInput, Refused
from app.engine.runtime import Runtime
from app.store.accounts import sessions, users
from app.store.database import Connection
from app.telemetry import logs

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]")
_LONGEST_NAME = 120
_MOST = Decimal(10) ** 12
_CALLED = {"display_name": "name"}


def enrol(rt: Runtime, person: Person, *, by: str) -> None:
    """Enrol somebody new. Raises BadInput naming the field, Refused if the username is taken."""
    _fitting(rt, person)

    def work(db: Connection) -> None:
        if users.find(db, person.username) is not None:
            raise Refused(f"{person.username} is somebody already; change their roles or authority instead")
        people.enrol(db, person)
        users.keep_change(db, person.username, by, "enrolled", person.roles, person.authority)

    rt.database.transact(work)
    _log("enrolled", person.username, by, roles=list(person.roles), authority=str(person.authority))


def change(rt: Runtime, username: str, *, roles: Sequence[str], authority: Decimal, by: str) -> None:
    """Give somebody other roles and authority (in US dollars, whatever the coverage)."""

    def work(db: Connection) -> None:
        before = people.find(db, username)
        person = Person(username, before.display_name, tuple(roles), authority)
        _fitting(rt, person)
        people.enrol(db, person)
        users.keep_change(db, username, by, "changed", person.roles, person.authority)
        _one_administrator(db, had=ADMIN in before.roles)

    rt.database.transact(work)
    _log("changed", username, by, roles=list(roles), authority=str(authority))


def shut_out(rt: Runtime, username: str, *, by: str) -> int:
    """End somebody's sessions and let them in no more; how many sessions ended."""

    def work(db: Connection) -> int:
        before = people.find(db, username)
        users.set_disabled(db, username, disabled=True)
        users.keep_change(db, username, by, "shut out")
        _one_administrator(db, had=ADMIN in before.roles)
        return sessions.end_all(db, username)

    ended: int = rt.database.transact(work)
    _log("shut out", username, by, sessions=ended)
    return ended


def let_in(rt: Runtime, username: str, *, by: str) -> None:
    """Take a shutting out back."""

    def work(db: Connection) -> None:
        users.set_disabled(db, username, disabled=False)
        people.find(db, username)
        users.keep_change(db, username, by, "let in again")

    rt.database.transact(work)
    _log("let in again", username, by)


def link(rt: Runtime, username: str, *, by: str) -> str:
    """A one-time sign-in link's path for somebody; whoever has it is let in as them."""
    token = links.make(rt, username, by=by)
    _log("given a sign-in link", username, by)
    return f"{links.PATH}{token}"


def first_administrator(rt: Runtime, username: str, display_name: str, *, by: str) -> str:
    """Enrol the first administrator and give them a link's path. Raises Refused where there is one."""

    def work(db: Connection) -> None:
        if users.with_role(db, ADMIN):
            raise Refused("there is an administrator already; they enrol everybody else")

    rt.database.transact(work)
    enrol(rt, Person(username, display_name, (ADMIN,), Decimal(0)), by=by)
    return link(rt, username, by=by)


def _one_administrator(db: Connection, *, had: bool) -> None:
    if had and not users.with_role(db, ADMIN):
        raise Refused("this is the last administrator; make somebody else one first")


def unfit(rt: Runtime, person: Person) -> dict[str, str]:
    """What does not fit about somebody: the Person's field -> what is wrong and what to write. Empty: all fits."""
    wrong: dict[str, str] = {}
    if not _USERNAME.fullmatch(person.username):
        wrong["username"] = (
            f"{person.username[:80]!r} must be 3 to 64 small letters, digits, points, dashes or underscores"
        )
    name = person.display_name
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        wrong["display_name"] = f"write 1 to {_LONGEST_NAME} printable characters"
    if unknown := sorted(set(person.roles) - set(rt.roles.names)):
        wrong["roles"] = f"there is no {', '.join(unknown)}; the roles are {', '.join(rt.roles.names)}"
    if not person.authority.is_finite() or not 0 <= person.authority < _MOST:
        wrong["authority"] = f"{person.authority} is no amount one may approve; write it like 25000 or 0"
    return wrong


def _fitting(rt: Runtime, person: Person) -> None:
    if wrong := unfit(rt, person):
        raise BadInput("; ".join(f"{_CALLED.get(field, field)}: {problem}" for field, problem in wrong.items()))


def _log(what: str, username: str, by: str, **more: object) -> None:
    logs.event("people", event=what, username=username, actor=by, **more)
