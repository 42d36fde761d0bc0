"""What pages read in. The law: one read-only snapshot per page, so that no GET can change anything and no page contradicts
itself; every list in it is bounded, and goes on where it stopped by a key, never by an offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg

from app.store.database import Connection, Database

# Whatever psycopg or its pool raises; `database.is_gone` tells an absent server from a refused statement.
DATABASE_PROBLEM: type[Exception] = psycopg.Error
SHOWN_CHARACTERS = 64 * 1024  # of one payload on one page


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A transaction that sees one moment and in which Postgres itself refuses every write."""
    with database.transaction() as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield db


def workflows(db: Connection) -> list[str]:
    """The names of the workflows that have runs, found by hopping along the index of subjects."""
    rows = db.execute(
        """WITH RECURSIVE names AS (
               (SELECT workflow FROM runs WHERE parent_run_id IS NULL AND forked_from IS NULL ORDER BY workflow LIMIT 1)
               UNION ALL
               SELECT (SELECT r.workflow FROM runs r WHERE r.workflow > n.workflow AND parent_run_id IS NULL
                       AND forked_from IS NULL ORDER BY r.workflow LIMIT 1)
               FROM names n WHERE n.workflow IS NOT NULL)
           SELECT workflow FROM names WHERE workflow IS NOT NULL"""
    ).fetchall()
    return [row["workflow"] for row in rows]


def seconds_by_status(db: Connection, run_id: UUID) -> dict[str, float]:
    """How long the run has stood in each status so far; the present one is counted up to now, an ending not at all."""
    rows = db.execute(
        """SELECT to_status, sum(extract(epoch FROM coalesce(until, app_now()) - created_at))::float8 AS seconds
           FROM (SELECT to_status, created_at, lead(created_at) OVER (ORDER BY seq) AS until
                 FROM transitions WHERE run_id = %s) t
           WHERE to_status NOT IN ('COMPLETE', 'FAILED', 'CANCELLED') GROUP BY to_status""",
        [run_id],
    ).fetchall()
    return {row["to_status"]: row["seconds"] for row in rows}
