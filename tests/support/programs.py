"""The processes of a stack under test: started by the commands of the README, signalled by pid, logs kept."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from app.stack.servers.processes import ChildProcess
from tests.support.nursery import CELERY, PROJECT, start

__all__ = ["CELERY", "PROJECT", "Program"]


@dataclass
class Program:
    """One process of ours with its log; `kept` ones are started again by the stack when they die."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str]
    kept: bool = False
    folder: Path = PROJECT
    process: ChildProcess = field(init=False)

    def start(self) -> None:
        """Start it; returns at once. Dies with the thread that started it: call from the main thread only."""
        self.process = start(self.argv, log=self.log, env=self.env, folder=self.folder)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def pids(self) -> list[int]:
        """Its own id and those of all its descendants."""
        try:
            return [self.pid, *(child.pid for child in psutil.Process(self.pid).children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    @property
    def alive(self) -> bool:
        return self.process.alive

    def kill(self) -> None:
        """SIGKILL this process and no other."""
        self.process.send(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self) -> None:
        """SIGTERM: a planned shutdown begins."""
        self.process.send(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: it hangs."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send(signal.SIGCONT)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        pids = self.pids
        self.thaw()
        self.process.kill()
        for pid in pids:
            if (left := ChildProcess.found(pid)) is not None:
                left.send(signal.SIGKILL)

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The JSON lines of its log, all or of one kind."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines() if self.log.exists() else []:
            try:
                parsed = json.loads(line)
            except ValueError:
                continue
            if isinstance(parsed, dict) and (kind is None or parsed.get("kind") == kind):
                found.append(parsed)
        return found

    def tail(self, count: int = 12) -> str:
        """The end of its log, without the sweeps' comings and goings."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line[:400] for line in lines if "Task longhaul.sweep" not in line or "rror" in line]
        return "\n".join(telling[-count:])
