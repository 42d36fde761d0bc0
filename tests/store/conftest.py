"""A journey in this process, for tests of what can be read about a run afterwards; a bench for guarded statements."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.store.database import Connection
from tests.conftest import fresh_database
from tests.support.bench import bench
from tests.support.journey import Travel, travel


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    """A runtime for the workflow that passes through every kind of state."""
    with travel(database_url) as found:
        yield found


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
