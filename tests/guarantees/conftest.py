"""One stack of real processes per guarantee test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack

Flows = Callable[..., Stack]


@pytest.fixture
def make_stack(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[Flows]:
    """Makes the test's stack over workflows of `tests.support`, named "module:NAME"; nothing of it outlives it."""
    with ExitStack() as ends:

        def make(*workflows: str, **settings: object) -> Stack:
            # The first one brings the faults along.
            named = ",".join(f"tests.support.{name}" for name in ("flows:TWO", *workflows) if name)
            url = str(settings.pop("broker_url", broker_url))
            stack = Stack(tmp_path, database_url, url, named, **settings)
            ends.callback(stack.end)
            return stack

        yield make
