"""Whoever logs never waits: not for a pipe that nobody reads, nor for one that is closed; what is lost is counted and said."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.telemetry import outlet
from app.telemetry.logs import JsonLine
from app.telemetry.outlet import Outlet
from tests.support.waiting import PATIENCE_SECONDS, wait_for

PIPE = 64 * 1024  # what a pipe takes before whoever writes waits
_FLOOD = """
import os, sys, threading
from app.telemetry import logs
logs.configure("INFO", "masked")
for n in range(40):
    logs.event("flood", reason="x" * 10_000)
if sys.argv[1] == "fork":
    if not os.fork():
        logs.event("flood", reason="x" * 10_000)
        logs.end_process(7)
    os.wait()
if sys.argv[1] == "end":
    logs.end_process(70)
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Its reading and its writing end."""
    reads, writes = os.pipe()
    yield reads, writes
    for end in (reads, writes):
        try:
            os.close(end)
        except OSError:
            continue


def _outlet(descriptor: int) -> Outlet:
    made = Outlet(descriptor)
    made.setFormatter(JsonLine())
    return made


def _record(text: str, level: int = logging.INFO, *args: str) -> logging.LogRecord:
    return logging.LogRecord("longhaul", level, __file__, 1, text, args, None)


def _lines(reads: int) -> list[dict[str, str]]:
    return [json.loads(line) for line in os.read(reads, 16 * PIPE).splitlines()]


def test_lines_leave_in_the_order_in_which_they_were_said(pipe: tuple[int, int]) -> None:
    made = _outlet(pipe[1])
    for n in range(100):
        made.handle(_record(str(n)))
    assert made.drain(30.0)
    assert [line["message"] for line in _lines(pipe[0])] == [str(n) for n in range(100)]
    assert made.lost == 0


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting_and_what_is_lost_is_said(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "MOST_LINES", 20)
    made = _outlet(pipe[1])
    for _ in range(200):
        made.handle(_record("x" * 8_000))  # the test ends only if none of these waits
    assert made.lost >= 200 - 20 - PIPE // 8_000 - 1
    kept, read = 200 - made.lost, b""
    while read.count(b"\n") < kept + 1:
        read += os.read(pipe[0], PIPE)
    told = [json.loads(line) for line in read.splitlines()]
    assert sum(line.get("lost", 0) for line in told) == made.lost
    made.handle(_record("again"))
    assert made.drain(30.0)
    assert _lines(pipe[0])[-1]["message"] == "again"


def test_a_closed_pipe_ends_nothing_and_its_lines_are_counted(pipe: tuple[int, int]) -> None:
    made = _outlet(pipe[1])
    os.close(pipe[0])
    for _ in range(3):
        made.handle(_record("to nobody"))
    assert made.drain(30.0)
    assert wait_for(lambda: made.lost == 3, "three lines to be counted as lost")


def test_a_line_that_cannot_be_written_down_is_lost_and_raises_nothing(pipe: tuple[int, int]) -> None:
    made = _outlet(pipe[1])
    made.handle(_record("%d", logging.INFO, "no number"))
    assert made.lost == 1


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What each write to a descriptor is given."""
    given, write = list[bytes](), os.write

    def noted(descriptor: int, data: bytes) -> int:
        given.append(bytes(data))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)
    return given


def test_a_line_after_a_silence_and_a_warning_leave_at_once(
    pipe: tuple[int, int], writes: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "GATHER_SECONDS", 1e6)
    made = _outlet(pipe[1])
    made.handle(_record("alone"))
    assert [line["message"] for line in _lines(pipe[0])] == ["alone"]
    made.handle(_record("waits"))
    made.handle(_record("warning", logging.WARNING))
    assert [line["message"] for line in _lines(pipe[0])] == ["waits", "warning"]
    assert len(writes) == 2


def test_lines_that_leave_together_are_whole_in_every_write_to_a_pipe(
    pipe: tuple[int, int], writes: list[bytes]
) -> None:
    """What is no longer than PIPE_BUF is not mixed with what another process writes to the same pipe."""
    lengths = [10, 3_000, 900, 5_000, 10, 2_000]
    made = _outlet(pipe[1])
    for length in lengths:
        made.handle(_record("x" * length))
    assert made.drain(30.0)
    assert [len(line["message"]) for line in _lines(pipe[0])] == lengths
    assert all(write.endswith(b"\n") for write in writes)
    assert all(len(write) <= select.PIPE_BUF or write.count(b"\n") == 1 for write in writes)


@pytest.mark.parametrize(("how", "code"), [("end", 70), ("leave", 0), ("fork", 0)])
def test_a_process_ends_though_nobody_reads_what_it_says(pipe: tuple[int, int], how: str, code: int) -> None:
    """By its exit code at once, by itself after a moment for its last lines, and with a child made while a line waits."""
    begun = subprocess.Popen([sys.executable, "-c", _FLOOD, how], stderr=pipe[1])
    assert begun.wait(timeout=PATIENCE_SECONDS) == code


_LAST_WORDS = """
import signal, sys
from app.telemetry import logs
logs.configure("INFO", "masked")
for n in range(50):
    logs.event("said", n=n)
if sys.argv[1] == "end":
    logs.end_process(0)
if sys.argv[1] == "terminated":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.raise_signal(signal.SIGTERM)
if sys.argv[1] == "raises":
    raise SystemExit(0)
"""


@pytest.mark.parametrize("how", ["end", "leave", "terminated", "raises"])
def test_a_process_that_ends_has_said_everything(how: str) -> None:
    done = subprocess.run([sys.executable, "-c", _LAST_WORDS, how], capture_output=True, text=True, check=True)
    assert [json.loads(line)["n"] for line in done.stderr.splitlines()] == list(range(50))
