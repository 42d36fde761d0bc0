"""Applying the files of this folder, in their order: some before the migrations of the tables, the others after them.

The law: afterwards the database has what the files say, whatever it had before. Where it has it already no table is
locked, so that a migrate beside working processes costs them nothing: making a trigger waits for every writer of its table.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import sqlalchemy as sa

_FOLDER = Path(__file__).parent
BEFORE_TABLES = ("roles", "before_tables")
# Each after those whose functions it calls.
AFTER_TABLES = (
    "clock",
    "runs",
    "run_data",
    "transitions",
    "journal",
    "downstreams",
    "forks",
    "carried",
    "took_part",
    "approvals",
    "ledger",
    "disputes",
    "written_once",
    "trace",
)
ALWAYS = ("grants",)  # lock no table

# What stands in the catalogue of what the files make: all of it, whoever made it, and whether it is switched on.
_STANDING = """
SELECT string_agg(made, E'\\n' ORDER BY made COLLATE "C") FROM (
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
    UNION ALL SELECT concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT concat_ws(' ', relname, reloptions, pg_get_viewdef(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
    UNION ALL SELECT concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check) FROM pg_policies
    WHERE schemaname = 'public'
    UNION ALL SELECT relname || ' keeps its rows apart' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
) made (made)"""


def before_tables(connection: sa.Connection) -> None:
    """Make what the migrations of the tables need."""
    for name in BEFORE_TABLES:
        _apply(connection, name)


def after_tables(connection: sa.Connection) -> None:
    """Make what stands on the tables, unless it stands as the files say, and give the rights."""
    recorded = connection.execute(sa.text("SELECT sql_digest FROM schema_compatibility")).scalar_one()
    if recorded != _digest(connection):
        for name in AFTER_TABLES:
            _apply(connection, name)
        connection.execute(sa.text("UPDATE schema_compatibility SET sql_digest = :now"), {"now": _digest(connection)})
    for name in ALWAYS:
        _apply(connection, name)


def _apply(connection: sa.Connection, name: str) -> None:
    # The driver's own cursor runs a whole file at once; SQLAlchemy would read `:` and `%` as parameters.
    connection.connection.cursor().execute(_text(name))


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text()


def _digest(connection: sa.Connection) -> str:
    """Of the files, and of what the database has: it changes when either does."""
    standing = connection.execute(sa.text(_STANDING)).scalar_one()
    return hashlib.sha256("\n".join([*map(_text, AFTER_TABLES), standing or ""]).encode()).hexdigest()
