"""The people who take part: names, roles, authority."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.core.errors import NotFound
from app.store import users
from app.store.database import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the product knows them. `authority`: the largest amount of `currency` they may approve, whatever the coverage."""

    username: str
    display_name: str
    roles: tuple[str, ...]
    authority: Decimal
    currency: str = "USD"


def enrol(db: Connection, person: Person) -> None:
    """Enrol a person, or change their roles and authority."""
    users.upsert(db, person.username, person.display_name, person.roles, person.authority, person.currency)


def find(db: Connection, username: str) -> Person:
    """The person of this username. Raises NotFound."""
    row = users.find(db, username)
    if row is None:
        raise NotFound(f"there is no person {username!r}; `longhaul tasks` and the sign-in page list who there is")
    return Person(row["username"], row["display_name"], tuple(row["roles"]), row["authority"])


def everyone(db: Connection) -> list[Person]:
    """All enrolled people, by username."""
    return [Person(r["username"], r["display_name"], tuple(r["roles"]), r["authority"]) for r in users.everyone(db)]
