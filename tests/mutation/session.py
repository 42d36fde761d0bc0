"""One session of pytest that has collected every test once; each question to its tests is a fork of it.

A fork breaks a point, runs the tests it was told, the likeliest to notice first, and ends at the first that is red.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.mutation import patch
from tests.mutation.points import PROJECT, Point
from tests.mutation.reach import Reach, Test, measured
from tests.mutation.scope import LEFT_OUT
from tests.mutation.server import Server

DOES_NOT_LOAD, TIME_IS_UP = "(does not load)", "(time is up)"


class NotRun(RuntimeError):
    """The tests could not be run: that says nothing about a point."""


@dataclass(eq=False)  # pytest keeps its plugins by their hash
class Session:
    """A plugin of pytest: instead of running the tests it does `work`."""

    work: Callable[[Session], None]
    server: Server | None
    items: dict[str, pytest.Item] = field(default_factory=dict)
    red: list[str] = field(default_factory=list)

    def run(self, files: Iterable[str]) -> None:
        """Collect the files' tests and do the work. Raises NotRun if they cannot be collected."""
        os.environ.update(self.server.environment() if self.server else {})
        options = ["-q", "-s", "-p", "no:cacheprovider", "--timeout=60", "-m", LEFT_OUT, "--no-header", "--no-summary"]
        code = pytest.main([*files, *options], plugins=[self])
        if code not in (0, 5) or not self.items:
            raise NotRun(f"the tests cannot be collected (pytest said {code}); run them by hand and see")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return False
        self.items = {item.nodeid: item for item in session.items}
        self.work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.red.append(report.nodeid)

    def run_items(self, wanted: list[str]) -> str:
        """The first red one of the tests; empty if all are green."""
        for n, nodeid in enumerate(wanted):
            following = self.items[wanted[n + 1]] if n + 1 < len(wanted) else None
            self.items[nodeid].ihook.pytest_runtest_protocol(item=self.items[nodeid], nextitem=following)
            if self.red:
                return self.red[0]
        return ""

    def measure(self, reach: Reach) -> None:
        """Measure the files of tests that were not, each in a fork."""
        files: dict[str, list[pytest.Item]] = {}
        for nodeid, item in self.items.items():
            files.setdefault(nodeid.split("::")[0], []).append(item)
        for file in sorted(files, key=lambda name: (PROJECT / name).stat().st_size):
            if reach.lacks(file):
                items = files[file]
                told = _Fork(lambda: measured(items), seconds=900).answer()  # noqa: B023
                if not isinstance(told, dict):
                    raise NotRun(f"{file} could not be measured: {told}")
                reach.keep(file, told)

    def judge(self, questions: Iterable[tuple[Point, list[Test]]], jobs: int) -> Iterator[tuple[Point, str]]:
        """Who noticed each broken point; empty: nobody."""
        waiting, todo = dict[_Fork, Point](), iter(questions)
        while True:
            while len(waiting) < jobs and (question := next(todo, None)):
                point, tests = question
                known = [test.nodeid for test in tests if test.nodeid in self.items]
                patience = 60 + 6 * sum(test.seconds for test in tests)
                waiting[_Fork(lambda: self._broken(point, known), seconds=patience)] = point  # noqa: B023
            if not waiting:
                return
            select.select(list(waiting), [], [], 1)
            for fork in [fork for fork in waiting if fork.done()]:
                point, answer = waiting.pop(fork), fork.answer()
                if not isinstance(answer, str):
                    raise NotRun(f"{point.id} could not be judged; LONGHAUL_MUTATE_LOUD=1 shows why")
                yield point, answer

    def _broken(self, point: Point, wanted: list[str]) -> str:
        if not point.file.endswith(".sql"):
            try:
                patch.apply(point)
            except patch.DoesNotLoad:
                return DOES_NOT_LOAD
            return self.run_items(wanted)
        assert self.server is not None
        with self.server.with_function(point) as template:
            if template is None:
                return DOES_NOT_LOAD
            os.environ["LONGHAUL_TEST_TEMPLATE"] = template
            return self.run_items(wanted)


class _Fork:
    """A child of this process that works, says its answer as JSON, and ends."""

    def __init__(self, work: Callable[[], Any], *, seconds: float) -> None:
        self._until, self._told = time.monotonic() + seconds, b""
        self._reads, writes = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _quiet()
                _write(writes, json.dumps(work()))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(writes)

    def fileno(self) -> int:
        return self._reads

    def done(self) -> bool:
        """Whether the answer is there, or its time is up."""
        return bool(select.select([self._reads], [], [], 0)[0]) or time.monotonic() > self._until

    def answer(self) -> Any:
        """What the work gave; None if it failed, TIME_IS_UP if it took too long."""
        ended = False
        while time.monotonic() < self._until and not ended:
            if select.select([self._reads], [], [], 0.5)[0]:
                part = os.read(self._reads, 1 << 20)
                self._told += part
                ended = not part
        os.close(self._reads)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        return TIME_IS_UP if not ended else json.loads(self._told) if self._told else None


def _write(to: int, text: str) -> None:
    with os.fdopen(to, "w") as out:
        out.write(text)


def _quiet() -> None:
    """A group of its own, in silence, so that whatever hangs in it can be ended with all it started."""
    os.setsid()
    if "LONGHAUL_MUTATE_LOUD" not in os.environ:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)


def chosen(tests: list[Test], killers: Counter[str], seconds: float) -> list[Test]:
    """The tests to ask: by kind, those that noticed something here before first, and no more than may be afforded."""
    found, spent = list[Test](), 0.0
    for test in sorted(tests, key=lambda t: (t.kind, -killers[t.nodeid], t.breadth, t.seconds)):
        if spent + test.seconds <= seconds or not found:
            found.append(test)
            spent += test.seconds
    return found
