"""What a supervisor can start and stop: a server that knows how to be ready, or a plain command."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.stack.servers.errors import StackError
from app.stack.servers.ports import answers
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.processes import ChildProcess, spawn
from app.stack.servers.redis import EmbeddedRedis

_LARGEST_LOG = 20_000_000


class Service(Protocol):
    """One process under supervision."""

    @property
    def name(self) -> str:
        """The word it is shown under."""
        ...

    @property
    def log(self) -> Path:
        """The file its output goes to."""
        ...

    @property
    def process(self) -> ChildProcess | None:
        """The process as last started, dead or alive; None before the first start."""
        ...

    @property
    def grace(self) -> float:
        """Seconds it is given to end before it is killed."""
        ...

    @property
    def command(self) -> list[str]:
        """The command line it was started with."""
        ...

    def start(self) -> None:
        """Start it. Raises StackError where it cannot be started at all."""

    def ready(self) -> bool:
        """Whether it does its work, not only runs."""
        ...

    def ask_to_stop(self) -> None:
        """Send the signal that means: finish and end."""


@dataclass
class Command:
    """A program as a service; ready when its `port` of 127.0.0.1 answers, or without one after `settle` seconds."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    grace: float = 10.0
    settle: float = 1.0
    process: ChildProcess | None = None
    _started_at: float = field(default=0.0, init=False, repr=False)

    @property
    def command(self) -> list[str]:
        """The command line it was started with."""
        return list(self.argv)

    def start(self) -> None:
        """Start the program with our environment and its own variables on top; its log starts anew once it is large."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._started_at = time.monotonic()
        try:
            self.process = spawn(self.argv, log=self.log, env={**os.environ, **self.env}, death_signal=signal.SIGTERM)
        except OSError as error:
            raise StackError(
                f"{self.name} cannot be started: {error}. Is the project installed? `make` does it."
            ) from error

    def ready(self) -> bool:
        """Whether it runs and, where it serves a port, answers on it."""
        if self.process is None or not self.process.alive:
            return False
        if self.port is not None:
            return answers(self.port)
        return time.monotonic() >= self._started_at + self.settle

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self.process:
            self.process.send(signal.SIGTERM)


@dataclass
class Server:
    """An embedded server as a service; `start` returns when it answers."""

    name: str
    server: EmbeddedPostgres | EmbeddedRedis
    process: ChildProcess | None = None
    grace: float = 30.0

    @property
    def log(self) -> Path:
        """The file the server logs to."""
        return self.server.log

    @property
    def command(self) -> list[str]:
        """The command line of the running server."""
        return self.process.command if self.process else []

    def start(self) -> None:
        """Start the server and wait for its answer."""
        self.server.start()
        self.process = self.server.process

    def ready(self) -> bool:
        """Whether it still runs: it answered when it was started."""
        return self.process is not None and self.process.alive

    def ask_to_stop(self) -> None:
        """The signal for a quick and clean end: sessions are broken off, nothing recorded is lost."""
        if self.process:
            self.process.send(signal.SIGINT if isinstance(self.server, EmbeddedPostgres) else signal.SIGTERM)
