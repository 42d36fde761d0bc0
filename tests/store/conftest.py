"""A bench for guarded statements, and what connections were asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from app.store.database import Connection
from tests.conftest import fresh_database
from tests.support.bench import bench
from tests.support.plans import Query


@pytest.fixture(scope="module")
def url(admin_url: str, template_database: str) -> Iterator[str]:
    """A database of the module, in which nothing is committed."""
    with fresh_database(admin_url, template_database) as found:
        yield found


@pytest.fixture
def db(url: str) -> Iterator[Connection]:
    """The bench: two runs alike, and whatever a statement may touch."""
    with bench(url) as found:
        yield found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """What connections were asked to execute."""
    seen: list[Query] = []
    execute = psycopg.Cursor.execute  # whoever asks, asks by a cursor

    def listening(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        seen.append((query, params))
        return execute(self, query, params, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", listening)
    return seen
