"""Servers and processes of a benchmark in a temporary folder, and what they cost: CPU of whole process trees."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from app.stack.servers.places import remove_outside
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.processes import ChildProcess, spawn
from app.stack.servers.redis import EmbeddedRedis

PROJECT = Path(__file__).resolve().parents[1]
CELERY = str(Path(sys.executable).with_name("celery"))
PATIENCE_SECONDS = 120.0


class Machine:
    """What one benchmark has started. Everything ends with the block it was opened by."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack

    def postgres(self) -> EmbeddedPostgres:
        """A Postgres server with the product's own settings: fsync and synchronous_commit on."""
        server = EmbeddedPostgres(self._place("postgres"), death_signal=signal.SIGQUIT)
        server.start()
        self._stack.callback(server.stop, "fast")
        return server

    def redis(self, name: str) -> EmbeddedRedis:
        """A Redis server."""
        server = EmbeddedRedis(self._place(name), death_signal=signal.SIGTERM)
        server.start()
        self._stack.callback(server.stop)
        return server

    def celery(self, name: str, app: str, arguments: Sequence[str], env: Mapping[str, str]) -> ChildProcess:
        """A Celery program, its log in the folder."""
        process = spawn(
            [CELERY, "-A", app, *arguments],
            log=self.folder / f"{name}.log",
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **env},
            death_signal=signal.SIGKILL,
        )
        self.ends_with(process)
        return process

    def ends_with(self, process: ChildProcess) -> None:
        """End a process that was started elsewhere with all others."""
        self._stack.callback(process.end, signal.SIGTERM, 5.0)

    def _place(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(mode=0o711)
        return place


@contextmanager
def machine() -> Iterator[Machine]:
    """A temporary folder and what will be started in it."""
    folder = Path(tempfile.mkdtemp(prefix="longhaul-benchmark-", dir="/var/tmp"))
    folder.chmod(0o711)  # Postgres refuses root; the user it runs as must be able to pass
    try:
        with ExitStack() as stack:
            yield Machine(folder, stack)
    finally:
        for place in folder.iterdir():
            if place.is_dir():
                remove_outside(place)
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(
    look: Callable[[], bool], what: str, every: float = 0.05, *, patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Look until it is so. Raises TimeoutError naming what did not come."""
    deadline, pause = time.monotonic() + patience_seconds, threading.Event()
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_seconds:.0f} s for {what}")
        pause.wait(every)


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time so far of these processes, their descendants, and the descendants they have reaped."""
    total = 0.0
    for root in roots:
        try:
            family = [psutil.Process(root)]
            family += family[0].children(recursive=True)
        except psutil.NoSuchProcess:
            continue
        for process in family:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def cpu_seconds_of_all() -> float:
    """User and system time of everything on this machine so far."""
    times = psutil.cpu_times()
    return float(sum(getattr(times, part, 0.0) for part in ("user", "nice", "system", "irq", "softirq")))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def hardware() -> str:
    """One line about the machine, for whoever compares figures."""
    model = (
        next(
            (
                line.split(":")[1].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if "model name" in line
            ),
            platform.processor(),
        )
        if Path("/proc/cpuinfo").exists()
        else platform.processor()
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"
