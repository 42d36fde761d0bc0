"""What the tests of the stack share: waiting for a condition, and a stack of harmless commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from app.stack.servers.processes import ChildProcess
from app.stack.status import ProcessStatus, StackStatus, stack_status
from tests.support.waiting import wait_for

LONGEST_SOCKET_PATH = 99  # a longer one is refused on some systems

T = TypeVar("T")

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
CRASHER = [sys.executable, "-c", "raise SystemExit(3)"]


def fake_stack_command(data_dir: Path, children: Mapping[str, Sequence[str]], *options: str) -> list[str]:
    """The command of a real supervisor over harmless children."""
    return [sys.executable, "-m", "tests.stack.fake_stack", str(data_dir), json.dumps(children), *options]


@contextmanager
def fake_stack(data_dir: Path, children: Mapping[str, Sequence[str]], *options: str) -> Iterator[subprocess.Popen[str]]:
    """A running fake stack, ended with all of its children whatever the test did to it."""
    command = fake_stack_command(data_dir, children, *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as supervisor:
        try:
            wait_for(lambda: ready(data_dir) or supervisor.poll() is not None, "the fake stack to be ready or ended")
            yield supervisor
        finally:
            supervisor.terminate()
            supervisor.communicate(timeout=60)


def ready(data_dir: Path) -> StackStatus | None:
    """The status of a stack that runs and is ready."""
    status = stack_status(data_dir)
    return status if status.running and status.ready else None


def process_named(data_dir: Path, name: str) -> ProcessStatus:
    """One process of the stack as it stands now."""
    return next(process for process in stack_status(data_dir).processes if process.name == name)


def living(data_dir: Path, name: str) -> ChildProcess:
    """One process of the stack, which must be alive."""
    process = process_named(data_dir, name).living()
    assert process is not None, f"{name} does not run"
    return process
