"""The demo ends with its own stack and with no other's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from rich.console import Console

from app.insurance.demo import run
from app.stack.status import StackStatus

FOLDER = Path("/nowhere")


def running(pid: int) -> StackStatus:
    return StackStatus(data_dir=FOLDER, running=True, ready=True, supervisor_pid=pid)


@pytest.mark.parametrize(
    ("now", "stopped"),
    [(running(7), [FOLDER]), (running(8), []), (StackStatus(data_dir=FOLDER), [])],
    ids=["its own", "another's in its place", "none any more"],
)
def test_only_the_stack_it_started_is_stopped(
    monkeypatch: pytest.MonkeyPatch, now: StackStatus, stopped: list[Path]
) -> None:
    seen: list[Path] = []
    looks = iter([StackStatus(data_dir=FOLDER)])
    monkeypatch.setattr(run, "stack_status", lambda _: next(looks, now))
    monkeypatch.setattr(run, "start_detached", lambda _: running(7))
    monkeypatch.setattr(run, "stack_environment", lambda _: {})
    monkeypatch.setattr(run, "stop_stack", seen.append)
    with run._stack(Console(quiet=True), FOLDER, simulate=False) as (_, ours):
        assert ours
    assert seen == stopped


def test_it_ends_when_its_stack_was_stopped_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "stack_status", lambda _: StackStatus(data_dir=FOLDER))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run._wait_for_interrupt(Console(), running(7), ours=True)
    assert "stopped from elsewhere" in capsys.readouterr().out
