"""Whatever a run is looked up by, the look is by an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg

from app.store.database import Connection, connect
from app.store.reads import finding
from tests.support.plans import Query, fill, indexes, plans, whole_tables


def test_every_look_is_by_an_index(database_url: str, asked: list[Query]) -> None:
    with psycopg.connect(database_url, autocommit=True) as filling:
        fill(filling, 20_000)
        filling.execute(
            """INSERT INTO documents (id, run_id, sha256, filename, media_type, size, uploaded_by, created_at)
               SELECT id, id, encode(sha256(id::text::bytea), 'hex'), 'f', 'm', 1, 'x', app_now() FROM runs"""
        )
        filling.execute("INSERT INTO run_names SELECT 'POL-' || subject, id, 'policy', app_now() FROM runs")
        filling.execute("ANALYZE")
    looks: dict[str, Callable[[Connection], Any]] = {
        text: lambda db, text=text: finding.find_all(db, text)  # type: ignore[misc]
        for text in ("S-77", "POL-S-77", "abcd12", "ef" * 32, str(UUID(int=5)))
    }
    with connect(database_url, "web") as db:
        for text, look in looks.items():
            asked.clear()
            look(db)
            for kind, plan in (each for query in list(asked) for each in plans(db, query)):
                assert not whole_tables(plan, ("runs", "documents", "run_names")), (text, kind, indexes(plan))
