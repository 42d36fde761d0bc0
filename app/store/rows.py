"""Rows as values of a type of their own.

The law: what a function of `app.store` returns of a row is a frozen dataclass whose fields are the columns its statement
names, never the driver's dictionary. What a column holds in another form than its field (the word of a status, a payload) is
turned in the type's `from_row`, which names those columns and is handed to these functions in the type's place. So
`SELECT *` stands nowhere: a column that a later release adds would be one too many for the release that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def one(shape: Callable[..., T], row: Mapping[str, Any] | None) -> T | None:
    """The row as a value, or None where there is none."""
    return None if row is None else shape(**row)


def each(shape: Callable[..., T], rows: Iterable[Mapping[str, Any]]) -> list[T]:
    """Every row as a value."""
    return [shape(**row) for row in rows]


def columns(shape: type[Any], table: str = "") -> str:
    """SQL: the columns that are the fields of a type, of the table that the statement calls so."""
    of = f"{table}." if table else ""
    return ", ".join(of + field.name for field in fields(shape))
