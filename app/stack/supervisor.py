"""One process that starts the stack in order, restarts what dies, and stops all of it in reverse order.

It runs in a single thread, and starts children from it: the kernel then tells every child when the supervisor dies,
so that even `kill -9` of it leaves nothing behind. Recorded work never depends on it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.stack.servers.errors import StackAlreadyRunning, StackError
from app.stack.servers.services import Service
from app.stack.status import ProcessStatus, StackStatus, State, read_status, stack_status, write_status

_LOOK_SECONDS = 0.2
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_STABLE_SECONDS = 30.0

Show = Callable[[StackStatus], None]


@dataclass
class Watched:
    """A service and how it has fared."""

    service: Service
    state: State = "stopped"
    restarts: int = 0
    deaths_in_a_row: int = 0
    started_at: datetime | None = None
    start_again_at: float = 0.0
    note: str = ""

    def start(self) -> None:
        """Start it now; where it cannot be started, plan the next try."""
        self.started_at = datetime.now(UTC)
        try:
            self.service.start()
        except StackError as error:
            self._plan_restart(str(error).splitlines()[0])
        else:
            self.state = "starting"

    def look(self) -> None:
        """Take note of a death or of readiness, and start again what is due."""
        process = self.service.process
        if self.state == "restarting":
            if time.monotonic() >= self.start_again_at:
                self.restarts += 1
                self.start()
        elif process is None or not process.alive:
            self._plan_restart(_how_it_ended(process.exit_code if process else None))
        elif self.state == "starting" and self.service.ready():
            self.state, self.note = "running", ""

    def _plan_restart(self, note: str) -> None:
        """The pause doubles with every death in a row, and starts anew after half a minute of health."""
        if self.started_at and (datetime.now(UTC) - self.started_at).total_seconds() > _STABLE_SECONDS:
            self.deaths_in_a_row = 0
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**self.deaths_in_a_row)
        self.deaths_in_a_row += 1
        self.state, self.note = "restarting", note
        self.start_again_at = time.monotonic() + pause

    def status(self) -> ProcessStatus:
        """What is shown and written down."""
        process = self.service.process
        living = process if process and process.alive else None
        return ProcessStatus(
            name=self.service.name,
            state=self.state,
            pid=living.pid if living else None,
            created_at=living.created_at if living else None,
            command=self.service.command,
            restarts=self.restarts,
            started_at=self.started_at,
            log=self.service.log,
            note=self.note,
        )


class Supervisor:
    """Runs groups of services on one data folder until it is told to stop.

    `groups` start one after the other, and stop in the reverse order, each group together. `before`: run once before
    the group of that number starts (the migrations, once the servers answer). `about`: what is known before the start.
    `show` is given every change; `on_ready` is called once, when all answer.
    """

    def __init__(
        self,
        data_dir: Path,
        groups: Sequence[Sequence[Service]],
        *,
        before: dict[int, Callable[[], None]] | None = None,
        about: StackStatus | None = None,
        show: Show | None = None,
        on_ready: Show | None = None,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._groups = [[Watched(service) for service in group] for group in groups]
        self._before = before or {}
        self._show = show
        self._on_ready = on_ready
        self._stop = threading.Event()
        self._hurry = False
        self._announced = False
        self._last: StackStatus | None = None
        self._base = (about or StackStatus(data_dir=data_dir)).model_copy(
            update={
                "data_dir": self._data_dir,
                "supervisor_pid": os.getpid(),
                "supervisor_created_at": psutil.Process().create_time(),
                "started_at": datetime.now(UTC),
            }
        )

    @property
    def _all(self) -> list[Watched]:
        return [watched for group in self._groups for watched in group]

    def run(self) -> None:
        """Start everything and keep it running until SIGINT, SIGTERM or SIGHUP; a second signal ends the grace.

        Raises StackError where something cannot be started at all: there is nothing to keep running then.
        """
        with self._signals():
            try:
                self._start()
                while not self._stop.wait(_LOOK_SECONDS):
                    for watched in self._all:
                        watched.look()
                    self._report()
            finally:
                self._end()

    def _start(self) -> None:
        for number, group in enumerate(self._groups):
            if prepare := self._before.get(number):
                prepare()
            for watched in group:
                if self._stop.is_set():
                    return
                watched.start()
                if watched.state == "restarting":
                    raise StackError(f"{watched.service.name} cannot be started: {watched.note}")
                watched.look()
                self._report()

    def _end(self) -> None:
        self._stop.set()
        self._report()
        for group in reversed(self._groups):
            self._end_group([watched for watched in group if watched.state != "stopped"])
        self._report()

    def _end_group(self, group: list[Watched]) -> None:
        for watched in group:
            watched.state = "stopping"
            watched.service.ask_to_stop()
        self._report()
        started = time.monotonic()
        for watched in group:
            process = watched.service.process
            while process and process.alive and not self._hurry:
                if time.monotonic() > started + watched.service.grace:
                    watched.note = f"killed after {watched.service.grace:.0f} s of grace"
                    break
                time.sleep(0.02)
            if process and process.alive:
                process.kill()
            watched.state = "stopped"
            self._report()

    def _report(self) -> None:
        """Write and show the status if it has changed."""
        processes = [watched.status() for watched in self._all]
        ready = self._announced or all(watched.state == "running" for watched in self._all)
        now = self._base.model_copy(update={"processes": processes, "ready": ready, "running": not self._stop.is_set()})
        if now == self._last:
            return
        self._last = now
        write_status(now)
        if self._show:
            self._show(now)
        if ready and not self._announced:
            self._announced = True
            if self._on_ready:
                self._on_ready(now)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def told(_signum: int, _frame: object) -> None:
            self._hurry = self._stop.is_set()
            self._stop.set()

        # SIGHUP: the terminal it was started in is closed
        before = {signum: signal.signal(signum, told) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)


@contextmanager
def sole_supervisor(data_dir: Path, *, leftovers_grace: float = 15.0) -> Iterator[None]:
    """Hold the data folder for this supervisor, until the process ends, however it ends. Raises StackAlreadyRunning."""
    with (data_dir / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            status = stack_status(data_dir)
            raise StackAlreadyRunning(data_dir, status.supervisor_pid if status.running else None) from None
        end_leftovers(data_dir, leftovers_grace)
        yield


def end_leftovers(data_dir: Path, grace: float = 15.0) -> None:
    """End what a supervisor that was killed has left; its servers last, so that the others can still write."""
    for process in reversed(read_status(data_dir).processes):
        if living := process.living():
            living.end(signal.SIGINT if process.name == "postgres" else signal.SIGTERM, grace)


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "ended"
    return f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
