"""A line of the trace is the same whether it passes `logging` or not, and reaches whoever listens there."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.telemetry import logs

_RUN = UUID(int=7)
_SAID = ("tool_call", "transition")  # a thread that another test left behind may say something else meanwhile


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that stands for standard error, with lines of ours alone."""
    path = tmp_path / "stderr"
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with path.open("w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        monkeypatch.setattr(logs, "_outlet", None)
        logs.configure("INFO", "masked")
        yield path
    root.handlers[:] = before
    root.setLevel(level)


def _say() -> None:
    logs.event("tool_call", run_id=str(_RUN), input={"name": "Ada"}, output=None, at=_RUN, spoken="\udc00é")
    logs.event("transition", timestamp="2026-01-01T00:00:00+00:00", reason=None)


def _lines(path: Path) -> list[dict[str, Any]]:
    assert logs._outlet is not None and logs._outlet.drain(30.0)
    return [line for line in map(json.loads, path.read_text().splitlines()) if line["message"] in _SAID]


class _Listening(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() in _SAID:
            self.heard.append(record.getMessage())


def test_a_line_is_the_same_on_both_ways(told: Path) -> None:
    _say()
    listening = _Listening()
    logs.LOGGER.addHandler(listening)
    try:
        _say()
    finally:
        logs.LOGGER.removeHandler(listening)
    direct, whole, by_logging, moved = _lines(told)
    assert list(direct) == list(by_logging) and direct.pop("timestamp") <= by_logging.pop("timestamp")
    assert direct == by_logging and "Ada" not in str(direct)
    assert whole == moved and whole["timestamp"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("where", ["longhaul", ""], ids=["our logger", "the root"])
def test_a_handler_that_somebody_adds_hears_every_line(told: Path, where: str) -> None:
    listening = _Listening()
    logging.getLogger(where).addHandler(listening)
    try:
        _say()
    finally:
        logging.getLogger(where).removeHandler(listening)
    assert listening.heard == ["tool_call", "transition"] and len(_lines(told)) == 2


def test_a_filter_that_somebody_adds_is_asked(told: Path) -> None:
    def none(record: logging.LogRecord) -> bool:
        return False

    assert logs._outlet is not None
    for place in (logs.LOGGER, logs._outlet):
        place.addFilter(none)
        try:
            _say()
        finally:
            place.removeFilter(none)
    assert _lines(told) == []


def test_below_the_level_there_is_no_line(told: Path) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    _say()
    assert _lines(told) == []


def test_what_cannot_be_written_down_raises_nothing(told: Path) -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    logs.event("step_log", message_text=endless)
    assert _lines(told) == [] and logs._outlet is not None and logs._outlet.lost == 1
