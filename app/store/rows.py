"""Rows as values of a type of their own.

The law: what a function of `app.store` returns of a row is a frozen dataclass whose fields are the columns its statement
names, never the driver's dictionary: `rows.every(db, Worker, …)`. Where a column is held in another form than its field
(the word of a status, a payload), the type has a `from_row` that turns it. `SELECT *` stands only where the type takes what
it knows: a column that a later release adds must not be one too many for the release that runs beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from app.core.lifecycle import Status
from app.store.database import Connection

T = TypeVar("T")
Params = Mapping[str, Any] | Sequence[Any] | None


def columns(shape: type[Any], table: str = "") -> str:
    """SQL: the columns that are the fields of a type, of the table that the statement calls so."""
    of = f"{table}." if table else ""
    return ", ".join(of + field.name for field in fields(shape))


def literals(statuses: Collection[Status]) -> str:
    """SQL: a set of `app.core.lifecycle` between the parentheses of an IN, written out so that a partial index can be proved."""
    return ", ".join(f"'{status.value}'" for status in Status if status in statuses)


def told(value: Any) -> dict[str, Any]:
    """A value by the names of its fields, for whoever is given JSON."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def every(db: Connection, kind: type[T], query: str, params: Params = None) -> list[T]:
    """All rows of a statement."""
    return [kind(**row) for row in db.execute(query, params).fetchall()]


def first(db: Connection, kind: type[T], query: str, params: Params = None) -> T | None:
    """Its first row, if it has any."""
    row = db.execute(query, params).fetchone()
    return kind(**row) if row else None


def only(db: Connection, kind: type[T], query: str, params: Params = None) -> T:
    """The one row of a statement that always has one."""
    row = first(db, kind, query, params)
    assert row is not None, "a statement that counts has a row"
    return row
