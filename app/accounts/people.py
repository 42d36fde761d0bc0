"""The people who take part: names, roles, authority."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.core.errors import NotEntitled, NotFound
from app.store.accounts import users
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
    """The person of this username. Raises NotFound, or NotEntitled for one who is shut out."""
    row = users.find(db, username)
    if row is None:
        raise NotFound(f"there is no person {username!r}; `longhaul people list` says who there is")
    if row.disabled_at is not None:
        raise NotEntitled(f"{row.display_name} is shut out; an administrator lets them in again")
    return Person(row.username, row.display_name, tuple(row.roles), row.authority)
