"""A journey in this process, for tests of what can be read about a run afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.journey import Travel, travel


@pytest.fixture
def journey(database_url: str) -> Iterator[Travel]:
    """A runtime for the workflow that passes through every kind of state."""
    with travel(database_url) as found:
        yield found
