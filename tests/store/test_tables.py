"""What `app/store/tables` declares is what the migrations make: two databases, one made by each, and their catalogues compared.

Each column, constraint, index and policy becomes one line of text, so that a difference reads as a diff. The order of
columns is not compared: a migration can only append one, and the files group them by meaning. Nor are views, functions,
triggers and grants, which are no part of the metadata.
"""

from __future__ import annotations

from difflib import unified_diff

import psycopg
import pytest
import sqlalchemy as sa

from app.store.database import connect, engine_url
from app.store.tables import metadata

TABLES = """
SELECT c.oid, c.relname AS name FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'"""
# How a whole table is kept: most are 'r p', ordinary and permanent, without options.
OPTIONS = """
SELECT concat_ws(' ', t.name, 'table:', c.relkind, c.relpersistence, c.reloptions::text,
    CASE WHEN c.relrowsecurity THEN 'row level security' END, CASE WHEN c.relforcerowsecurity THEN 'for its owner too' END,
    'comment ' || quote_literal(obj_description(t.oid, 'pg_class')))
FROM tables t JOIN pg_class c ON c.oid = t.oid"""
COLUMNS = """
SELECT concat_ws(' ', t.name, 'column', a.attname || ':', format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
    CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
    CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text END,
    CASE WHEN a.attcollation <> y.typcollation THEN 'collation ' || a.attcollation::regcollation::text END,
    CASE WHEN a.attstorage <> y.typstorage THEN 'storage ' || a.attstorage::text END,
    'comment ' || quote_literal(col_description(t.oid, a.attnum)))
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum"""
# NOT NULL has names from Postgres 18 on and is compared by column. NOT VALID says that rows were older than the
# constraint: a database's past, which one made from the metadata does not have.
CONSTRAINTS = """
SELECT concat_ws(' ', t.name, 'constraint', c.conname || ':', regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', ''))
FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype IN ('p', 'u', 'c', 'f', 'x')"""
INDEXES = """
SELECT concat_ws(' ', t.name, 'index', i.indexrelid::regclass || ':', pg_get_indexdef(i.indexrelid))
FROM tables t JOIN pg_index i ON i.indrelid = t.oid"""
POLICIES = """
SELECT concat_ws(' ', t.name, 'policy', p.policyname || ':', p.permissive, p.cmd, 'TO', p.roles::text,
    'USING ' || p.qual, 'WITH CHECK ' || p.with_check)
FROM tables t JOIN pg_policies p ON p.schemaname = 'public' AND p.tablename = t.name"""
EVERYTHING = f"{OPTIONS} UNION ALL {COLUMNS} UNION ALL {CONSTRAINTS} UNION ALL {INDEXES} UNION ALL {POLICIES}"

# The functions of ours that a column's default, a check, an index or a policy calls.
CALLED = """
SELECT DISTINCT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS made
FROM pg_depend d JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
WHERE p.pronamespace = 'public'::regnamespace AND (
    d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass)
    OR d.classid = 'pg_class'::regclass AND d.objid IN (SELECT indexrelid FROM pg_index))
ORDER BY name"""


def catalogue(url: str) -> list[str]:
    """What a database's tables are, a line for each thing that can be named, sorted."""
    with connect(url, "owner") as db:
        rows = db.execute(f"WITH tables AS ({TABLES}) SELECT line FROM ({EVERYTHING}) everything (line)").fetchall()
    return sorted(str(row["line"]) for row in rows)


def make_declared(url: str, migrated_url: str) -> None:
    """Make all that is declared in an empty database, after the functions it calls, as the migrated one has them."""
    with connect(migrated_url, "owner") as db:
        functions = db.execute(CALLED).fetchall()
    with psycopg.connect(url, autocommit=True) as empty:
        empty.execute("SET check_function_bodies = off")  # one may call another that comes after it
        for function in functions:
            empty.execute(function["made"])
    engine = sa.create_engine(engine_url(url), poolclass=sa.pool.NullPool)
    metadata.create_all(engine)
    engine.dispose()


def test_the_tables_are_declared_as_the_migrations_make_them(database_url: str, empty_database_url: str) -> None:
    make_declared(empty_database_url, database_url)
    migrated, declared = catalogue(database_url), catalogue(empty_database_url)
    titles = ("made by the migrations", "declared in app/store/tables")
    if different := list(unified_diff(migrated, declared, *titles, n=0, lineterm="")):
        pytest.fail("what a migration changes must be declared too:\n" + "\n".join(different))
