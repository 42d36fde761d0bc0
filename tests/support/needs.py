"""What a test needs to run, read from the fixtures it asks for, from what its module names and from its marks.

The law: nobody says test by test what it needs. A fixture that starts a server or a program stands in a list here, and
so does what starts a process when it is called; whatever asks for the one or names the other is known by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

DATABASE = frozenset({"database_url", "empty_database_url", "admin_url", "postgres_server", "template_database"})
BROKER = frozenset({"redis_server", "rabbit_server", "broker_url", "broker"})
PROGRAMS = frozenset({"make_stack", "model_server", "models", "service", "browser"})
STARTERS = frozenset({"subprocess", "spawn", "read_document", "EmbeddedPostgres", "EmbeddedRedis"})
MARKS = ("guarantee", "stack", "browser", "rabbitmq", "long")
KINDS = ("pure", "database", "processes")


def kind_of(item: pytest.Item) -> int:
    """Which of `KINDS` a test is of, by its fixtures."""
    fixtures = _fixtures(item)
    return 2 if fixtures & BROKER else 1 if fixtures & DATABASE else 0


def is_fast(item: pytest.Item) -> bool:
    """Whether a test needs no server, no program beside it and no browser, and is not long by itself."""
    if any(item.get_closest_marker(name) for name in MARKS):
        return False
    return not (_fixtures(item) & (DATABASE | BROKER | PROGRAMS) or _named(item) & STARTERS)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def _named(item: pytest.Item) -> set[str]:
    return set(vars(item.module)) if isinstance(item, pytest.Function) else set()


def longest_files_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests by file, the file that takes longest first, so that no process is left with it at the end.

    How long a file takes is estimated by what its tests need: that stays true by itself, as a list of times would not.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    return [item for file in sorted(files.values(), key=_seconds, reverse=True) for item in file]


def _seconds(tests: Sequence[pytest.Item]) -> float:
    return sum(_estimate(test) for test in tests)


def _estimate(item: pytest.Item) -> float:
    if (given := item.get_closest_marker("timeout")) and given.args:
        return float(given.args[0]) / 4  # who asks for more time than others needs much of it
    if any(item.get_closest_marker(name) for name in ("guarantee", "stack")):
        return 15.0
    if item.get_closest_marker("browser"):
        return 8.0
    return (0.05, 0.6, 5.0)[kind_of(item)]
