"""A run is found by whatever somebody has of it, and every look is by an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.ids import new_id, task_id
from app.store import documents, finding
from app.store.database import Connection, Database, connect
from tests.support.plans import Query, fill, indexes, plans, whole_tables
from tests.web.conftest import bells, config, desk, owner  # noqa: F401 - fixtures
from tests.web.flows import Desk

SHA = "ab12" * 16


def found(owner: Database, text: str) -> list[tuple[UUID, str]]:  # noqa: F811
    with owner.transaction() as db:
        return [(each.run_id, each.by) for each in finding.find_all(db, text)]


def test_any_identifier_finds_the_run(desk: Desk, owner: Database) -> None:  # noqa: F811
    run, other = desk.file("CMP-1"), desk.file("CMP-2")
    with owner.transaction() as db:
        finding.keep_names(db, run, [("policy", " POL-77 "), ("policy", "")])
        finding.keep_names(db, run, [("policy", "POL-77")])
        documents.insert(
            db, new_id(), run, {"sha256": SHA, "filename": "a.pdf", "media_type": "application/pdf", "size": 3}, "x"
        )
    for text, by in (
        (str(run), "id"), (run.hex, "id"), (task_id(run, "READING", 1), "id"), ("CMP-1", "subject"), (" POL-77", "name"),
        (SHA, "document"), (SHA[:10], "document"), (SHA[:40], "document"), (str(run)[:35], "beginning"),
    ):  # fmt: skip
        assert found(owner, text) == [(run, by)], text
    assert {each for each, _ in found(owner, str(run)[:6])} == {run, other}
    for text in ("", "abc", "CMP", "POL-7", str(new_id()), "%", SHA[:-1] + "0"):
        assert found(owner, text) == [], text
    with owner.transaction() as db:
        assert finding.names_of(db, run) == [{"kind": "policy", "name": "POL-77"}]


def test_every_look_is_by_an_index(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url, autocommit=True) as filling:
        fill(filling, 20_000)
        filling.execute(
            """INSERT INTO documents (id, run_id, sha256, filename, media_type, size, uploaded_by, created_at)
               SELECT id, id, encode(sha256(id::text::bytea), 'hex'), 'f', 'm', 1, 'x', app_now() FROM runs"""
        )
        filling.execute("INSERT INTO run_names SELECT 'POL-' || subject, id, 'policy', app_now() FROM runs")
        filling.execute("ANALYZE")
    asked: list[Query] = []
    execute = psycopg.Connection.execute

    def listening(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        asked.append((query, params))
        return execute(self, query, params, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", listening)
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
