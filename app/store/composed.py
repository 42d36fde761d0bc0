"""Statements composed with SQLAlchemy's `select()`: for lists with optional filters, where a filter not asked for is not in the text.

The law: a composed statement runs on the connection it is handed, in that connection's transaction and beside raw ones. It
opens no connection, begins, commits and closes nothing, and fails with psycopg's errors, as any statement of ours does.

SQLAlchemy keeps the text of each shape of a statement; values are no part of a shape. So a list is composed anew for each
page and compiled once a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.rows import TupleRow, tuple_row

from app.store import clock
from app.store.database import Connection
from app.store.tables.base import Moment, Texts

T = TypeVar("T")
NOW: Final = sa.literal_column(clock.NOW, Moment)


def constant(word: StrEnum) -> sa.ColumnElement[str]:
    """One of our own words written into the text itself, so that the planner sees the condition of a partial index."""
    return sa.literal_column(f"'{word}'", sa.Text)


def among(column: sa.ColumnElement[str], words: Sequence[str]) -> sa.ColumnElement[bool]:
    """The column is one of these words. However many they are, the text is the same."""
    return column == sa.any_(sa.literal(list(words), Texts))


def place(at: sa.ColumnElement[Any], last: UUID) -> sa.Tuple:
    """A place in a list that is ordered by a moment and an id, to be compared with both."""
    return sa.tuple_(at, sa.literal(last, sa.Uuid))


def fetch(db: Connection, statement: sa.Select[*tuple[Any, ...]], kind: type[T]) -> list[T]:
    """The rows of a statement, each as a `kind`, whose fields are its columns. Raises psycopg.Error."""
    return [kind(**row) for row in rows(db, statement)]


def rows(db: Connection, statement: sa.Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows of a statement by the names of its columns. Raises psycopg.Error."""
    handed = _handed.set(db)
    try:
        with engine().connect() as connection:
            result = connection.execute(statement)
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=True)) for row in result]
    except sa.exc.DBAPIError as problem:
        raise (problem.orig if isinstance(problem.orig, psycopg.Error) else problem) from None
    finally:
        _handed.reset(handed)


@cache
def engine() -> sa.Engine:
    """What compiles, and keeps what it compiled. It has no connection of its own, so it may cross a fork."""
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: _Handed(_handed.get()),
        poolclass=sa.NullPool,
        use_native_hstore=False,
    )


_handed: ContextVar[Connection] = ContextVar("handed")


class _Handed:
    """A connection of ours as the engine sees it: it may ask, and what would end the transaction or the session does nothing."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def cursor(self) -> psycopg.Cursor[TupleRow]:
        return self._db.cursor(row_factory=tuple_row)

    def nothing(self, *_: object) -> None:
        """The transaction is whose who began it, and the session goes back to our pool."""

    commit = rollback = close = add_notice_handler = nothing
