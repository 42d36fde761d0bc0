"""A journey in this process, its sweeps in the role of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.store.database import Database
from tests.support.journey import Travel, travel


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    """A runtime for the workflow that passes through every kind of state; it may do what a worker may, and no more."""
    with travel(database_url) as found:
        found.rt.database.close()
        found.rt.database = Database(database_url, "worker")
        yield found
        found.rt.database.close()
