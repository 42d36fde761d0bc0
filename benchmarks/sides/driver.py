"""How a system is told what to do: its program reads one JSON line after another and answers each with one.

    {"burst": 300}   submit so many runs, one after the other, and wait until all have ended: {"seconds": 3.1}
    {"idle": 20}     so many runs, each alone: {"seconds": [0.011, …]}, from before its submission until its end is seen

Before the first line it says {"version": …}, once its workers are started. When its input ends, it ends them and itself.
What it or a library prints goes to its log. Imports nothing of ours but the work: peers run it by a Python of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, Protocol

PATIENCE_SECONDS = 120.0


class System(Protocol):
    """A system whose workers run."""

    package: str

    def submit(self) -> Any:
        """Start one run; gives what `ended` asks by."""
        ...

    def ended(self, run: Any) -> bool:
        """Whether a run has ended. Raises AssertionError for one that failed or has another result than `RESULT`."""
        ...

    def alone(self) -> None:
        """One run, from its submission to its end."""
        ...


class Submitter(ABC):
    """What most systems have in common: whoever submits looks until it has ended, every millisecond where it waits for one run."""

    @abstractmethod
    def submit(self) -> Any:
        """Start one run: what `ended` asks for it by."""

    @abstractmethod
    def ended(self, run: Any) -> bool:
        """Whether it has ended."""

    def alone(self) -> None:
        run = self.submit()
        wait_until(lambda: self.ended(run), every=0.001)


def wait_until(look: Callable[[], bool], every: float) -> None:
    """Look until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s")
        time.sleep(every)


def burst(system: System, runs: int) -> float:
    """Seconds from the first submission until all runs have ended. Asks for one run at a time: looking must not cost much."""
    began = time.perf_counter()
    under_way = [system.submit() for _ in range(runs)]
    while under_way:
        last = under_way.pop()
        wait_until(lambda run=last: system.ended(run), every=0.02)  # type: ignore[misc]
    return time.perf_counter() - began


def idle(system: System, runs: int) -> list[float]:
    """Seconds of each of so many runs, one after the other."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        system.alone()
        seconds.append(time.perf_counter() - began)
    return seconds


class Processes:
    """The workers that a driver has started, as its children."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> None:
        """Start `command`, its output in our log."""
        self._started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))

    def start_module(self, module: str, *arguments: str) -> None:
        """Start a module by this Python."""
        self.start(sys.executable, "-m", module, *arguments)

    def end(self) -> None:
        """Ask all to end, then kill who has not after five seconds."""
        for process in self._started:
            process.terminate()
        deadline = time.monotonic() + 5
        for process in self._started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            process.kill()


def serve(opened: Callable[[dict[str, Any], Processes], System], arguments: Sequence[str]) -> None:
    """Answer the lines of the input until it ends. arguments: one, the JSON of what the system is opened with."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is no answer
    processes = Processes()
    try:
        system = opened(json.loads(arguments[0]), processes)
        print(json.dumps({"version": version(system.package)}), file=answers, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            seconds = burst(system, asked["burst"]) if "burst" in asked else idle(system, asked["idle"])
            print(json.dumps({"seconds": seconds}), file=answers, flush=True)
    finally:
        processes.end()
