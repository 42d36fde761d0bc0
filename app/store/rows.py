"""Rows as values of a type of their own.

The law: what a function of `app.store` returns of a row is a frozen dataclass whose fields are the columns its statement
names, never the driver's dictionary: `Worker(**row)`. Where a column is held in another form than its field (the word of a
status, a payload), the type has a `from_row` that turns it. `SELECT *` stands only where the type takes what it knows: a
column that a later release adds must not be one too many for the release that runs beside it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any


def columns(shape: type[Any], table: str = "") -> str:
    """SQL: the columns that are the fields of a type, of the table that the statement calls so."""
    of = f"{table}." if table else ""
    return ", ".join(of + field.name for field in fields(shape))


def told(value: Any) -> dict[str, Any]:
    """A value by the names of its fields, for whoever is given JSON."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
