"""Which tests reach which line: measured once per file of tests, by coverage contexts, and kept by function.

The law: what is kept is found again by the function's text, not by line numbers, so a change elsewhere in the file
costs nothing. A function that changed is asked of all tests that reached it before; an assignment, of the tests that
reach a function which names it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import textwrap
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutation.points import PROJECT, Point, units
from tests.mutation.scope import FILES
from tests.support.needs import kind_of


@dataclass(frozen=True, slots=True)
class Test:
    """A test that was green when it was measured. `kind` counts into `needs.KINDS`; `breadth`: how many lines it reaches."""

    nodeid: str
    kind: int
    seconds: float
    breadth: int


class Reach:
    """What was measured. Read and written as one file."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        told = json.loads(kept.read_text()) if kept.exists() else {}
        self._files: dict[str, Any] = told

    def lacks(self, file: str) -> bool:
        """Whether a file of tests is new or changed since it was measured."""
        return bool(self.text_of(file) != fingerprint((PROJECT / file).read_bytes()))

    def keep(self, file: str, told: dict[str, Any]) -> None:
        """Keep what was measured of a file of tests."""
        self._files = {name: found for name, found in self._files.items() if (PROJECT / name).exists()}
        self._files[file] = {"text": fingerprint((PROJECT / file).read_bytes()), **told}
        self._kept.write_text(json.dumps(self._files))

    def tests_of(self, point: Point) -> list[Test]:
        """The tests that reach a point's line, or its function if the line is not known; the narrow before the broad."""
        names = _names(point.file, point.unit.name)
        found: dict[str, Test] = {}
        for told in self._files.values():
            reached = told["reached"].get(point.file, {})
            if (
                reached and not names
            ):  # a value that only other modules use: whoever is in a file that has to do with it
                found |= {nodeid: Test(nodeid, *test) for nodeid, test in told["tests"].items()}
            for name in names & set(reached):
                lines = reached[name]
                for nodeid in _of_line(point, lines) if name == point.unit.name else lines["tests"]:
                    found[nodeid] = Test(nodeid, *told["tests"][nodeid])
        if point.file.endswith(".sql"):
            found = {
                nodeid: Test(nodeid, *test)
                for told in self._files.values()
                for nodeid, test in told["tests"].items()
                if test[0] == 1
            }
        return sorted(found.values(), key=lambda test: (test.kind, test.breadth, test.seconds))

    def text_of(self, nodeid: str) -> str:
        """The fingerprint of a test's file."""
        found: str = self._files.get(nodeid.split("::", maxsplit=1)[0], {}).get("text", "")
        return found


def fingerprint(text: bytes) -> str:
    """A short hash."""
    return hashlib.sha256(text).hexdigest()[:16]


def _of_line(point: Point, lines: Any) -> list[str]:
    """By the line where the function is as it was; else all that reached it."""
    if lines["unit"] != fingerprint(point.unit.source.encode()):
        return list(lines["tests"])
    first, last = (line - point.unit.first for line in point.lines)
    found = {test for line in range(first, last + 1) for test in lines["lines"].get(str(line), ())}
    return sorted(found) or list(lines["tests"])


@lru_cache(maxsize=4096)
def _names(file: str, unit: str) -> frozenset[str]:
    """The unit itself; for an assignment, the functions that name it, directly or through other assignments."""
    if file.endswith(".sql"):
        return frozenset({unit})
    functions, assigned = _named_in(file)
    if unit in functions and unit not in assigned:
        return frozenset({unit})
    wanted = {unit}
    for _ in range(4):
        wanted |= {name for name, named in assigned.items() if named & wanted}
    using = {name for name, named in functions.items() if named & wanted}
    return frozenset(using)


@lru_cache(maxsize=64)
def _named_in(file: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What each function, and each assignment, of a file names. A cached function is both: most who use it do not run it."""
    functions, assigned = dict[str, set[str]](), dict[str, set[str]]()
    tree = ast.parse((PROJECT / file).read_text())
    cached = {
        n.name
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef) and "cache" in "".join(map(ast.unparse, n.decorator_list))
    }
    for unit in units(file):
        node = ast.parse(textwrap.dedent(unit.source)).body[0]
        named = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if isinstance(node, ast.FunctionDef):
            functions[unit.name] = named
        if not isinstance(node, ast.FunctionDef) or unit.name in cached:
            assigned[unit.name] = named
    return functions, assigned


def measured(items: list[pytest.Item]) -> dict[str, Any]:
    """Run tests and see which of them reaches which line of what function."""
    measure = coverage.Coverage(
        data_file=None, config_file=False, include=[str(PROJECT / f) for f in FILES if f.endswith(".py")]
    )
    watch = _Watch(measure)
    items[0].config.pluginmanager.register(watch)
    measure.start()
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
    measure.stop()
    data, reached = measure.get_data(), dict[str, Any]()
    breadth: dict[str, int] = defaultdict(int)
    for source in FILES:
        contexts = data.contexts_by_lineno(str(PROJECT / source)) if source.endswith(".py") else {}
        for unit in units(source) if contexts else ():
            lines = {
                line - unit.first: [test for test in tests if test in watch.green]
                for line, tests in contexts.items()
                if unit.first <= line <= unit.last
            }
            every = sorted({test for tests in lines.values() for test in tests})
            for tests in lines.values():
                for test in tests:
                    breadth[test] += 1
            if every:
                text = fingerprint(unit.source.encode())
                reached.setdefault(source, {})[unit.name] = {
                    "unit": text,
                    "tests": every,
                    "lines": {n: t for n, t in lines.items() if t},
                }
    return {"reached": reached, "tests": {test: [*told, breadth[test]] for test, told in watch.green.items()}}


class _Watch:
    """Names the test at work to coverage, and notes how long each green one took."""

    def __init__(self, measure: coverage.Coverage) -> None:
        self._measure, self.green = measure, dict[str, tuple[int, float]]()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._measure.switch_context(item.nodeid)
        started = time.monotonic()
        yield
        if self.green.get(item.nodeid) == (-1, 0.0):
            self.green[item.nodeid] = (kind_of(item), round(time.monotonic() - started, 2))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.green[report.nodeid] = (-1, 0.0)
        elif report.failed:
            self.green.pop(report.nodeid, None)


def test_files(folders: tuple[str, ...]) -> list[str]:
    """The files of tests in some folders."""
    return sorted(
        os.path.relpath(path, PROJECT) for folder in folders for path in (PROJECT / folder).rglob("test_*.py")
    )
