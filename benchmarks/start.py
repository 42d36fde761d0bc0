"""Start: what each kind of process takes to begin and to stand idle, against the same kind without anything of ours.

    python -m benchmarks.start [--json] [--rounds 5]

A worker (16 threads) against a Celery worker with an empty app on the same Redis; the web process against an empty FastAPI
application under uvicorn; commands against a Typer program with one command. Ours and the bare one start in turn; what is
printed is the median, and its ratio to the bare one's, in which the machine's speed cancels out. The database is new, and no
run was started: a first payment, letter, document or question to a model loads what it needs, once in a process.

cpu_s: processor time until it is ready (until it has ended, for a command). mb: resident a while after, shared pages counted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from app.stack.servers.ports import choose_port
from app.stack.servers.processes import spawn
from app.store.migrate import upgrade
from benchmarks.machine import CELERY, PROJECT, Machine, cpu_seconds, hardware, machine, wait_for
from tests.support.roles import DECLARED

BARE = {
    "bare_worker.py": """
import os
from celery import Celery
app = Celery("bare", broker=os.environ["LONGHAUL_BROKER_URL"])
""",
    "bare_web.py": """
from fastapi import FastAPI
app = FastAPI()
""",
    "bare_command.py": """
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "world") -> None:
    print(name)
app()
""",
}
COMMANDS = ("--help", "status", "runs", "tasks")
_STANDING = ("bare worker", "worker", "bare web", "web")
_WORKER = ["worker", "-P", "threads", "-c", "16", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
_SETTLE_SECONDS = 3.0  # once ready: the first pings, looks and sweeps are part of standing idle
_NOTHING_RUNS = 2  # what `longhaul status` ends with where no stack runs


Taken = tuple[float, float | None]
Start = Callable[[], Taken]


@dataclass
class Cost:
    """What one kind of process took, start by start."""

    cpu_s: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)

    def add(self, cpu_s: float, mb: float | None) -> None:
        """One more start. mb: None for what has ended."""
        self.cpu_s.append(cpu_s)
        if mb is not None:
            self.mb.append(mb)


class Starts:
    """Starts the processes, one after the other, on one database and one broker."""

    def __init__(self, here: Machine) -> None:
        self._folder, postgres, redis = here.folder, here.postgres(), here.redis("redis")
        upgrade(postgres.url(), DECLARED)
        for name, text in BARE.items():
            (here.folder / name).write_text(text)
        self.port = choose_port(0, named_by=None)
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LONGHAUL_")}
        self._env = ours | {
            "PYTHONPATH": f"{PROJECT}:{here.folder}",
            "LONGHAUL_DATABASE_URL": postgres.url(),
            "LONGHAUL_BROKER_URL": redis.url(),
            "LONGHAUL_DATA_DIR": str(here.folder / "data"),
            "LONGHAUL_WEB_PORT": str(self.port),
        }

    def worker(self, app: str) -> Taken:
        """A worker of a Celery app, until it says that it is ready."""
        return self._standing([CELERY, "-A", app, *_WORKER], lambda log: b" ready." in log.read_bytes())

    def web(self, command: Sequence[str]) -> Taken:
        """A web process, until it answers."""
        return self._standing([sys.executable, "-m", *command], lambda _log: self._answers())

    def _answers(self) -> bool:
        try:
            return bool(httpx.get(f"http://127.0.0.1:{self.port}/", trust_env=False).status_code)
        except httpx.TransportError:
            return False

    def _standing(self, command: Sequence[str], ready: Callable[[Path], bool]) -> Taken:
        log = self._folder / "start.log"
        log.unlink(missing_ok=True)
        process = spawn(command, log=log, cwd=self._folder, env=self._env, death_signal=signal.SIGKILL)
        try:
            wait_for(lambda: ready(log), f"{' '.join(command)} to be ready", every=0.02)
            took = cpu_seconds([process.pid])
            threading.Event().wait(_SETTLE_SECONDS)
            return took, psutil.Process(process.pid).memory_info().rss / 2**20
        finally:
            process.end(signal.SIGTERM, 10.0)

    def command(self, command: Sequence[str]) -> Taken:
        """A program that ends by itself."""
        done = _ended([sys.executable, *command], self._env, self._folder)
        return done.ru_utime + done.ru_stime, None


def _ended(command: Sequence[str], env: Mapping[str, str], folder: Path) -> resource.struct_rusage:
    with subprocess.Popen(
        command, env=dict(env), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode != (_NOTHING_RUNS if "status" in command else 0):
        raise SystemExit(f"{' '.join(command)} ended with {started.returncode}")
    return used


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """The figures of each kind."""
    with machine() as here:
        starts = Starts(here)
        uvicorn = ["uvicorn", "bare_web:app", "--port", str(starts.port), "--no-access-log"]
        kinds: dict[str, Start] = {
            "bare worker": lambda: starts.worker("bare_worker"),
            "worker": lambda: starts.worker("tasks"),
            "bare web": lambda: starts.web(uvicorn),
            "web": lambda: starts.web(["app.web"]),
            "bare command": lambda: starts.command(["bare_command.py", "--help"]),
        } | {f"longhaul {words}": partial(starts.command, ["-m", "app.cli", words]) for words in COMMANDS}
        costs = {kind: Cost() for kind in kinds}
        for _ in range(rounds):
            for kind, start in kinds.items():
                costs[kind].add(*start())
    return _figures(costs)


def _figures(costs: Mapping[str, Cost]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for kind, cost in costs.items():
        bare = costs[f"bare {kind.removeprefix('bare ')}"] if kind in _STANDING else costs["bare command"]
        cpu_s = statistics.median(cost.cpu_s)
        found[kind] = {"cpu_s": round(cpu_s, 2), "cpu_to_bare": round(cpu_s / statistics.median(bare.cpu_s), 2)}
        if cost.mb:
            mb = statistics.median(cost.mb)
            found[kind] |= {"mb": round(mb, 1), "mb_to_bare": round(mb / statistics.median(bare.mb), 2)}
    return found


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    found = measure(asked.rounds)
    if asked.json:
        print(json.dumps({"kinds": found, "rounds": asked.rounds, "hardware": hardware()}))
        return
    print(f"Median of {asked.rounds} starts, on {hardware()}")
    for kind, figures in found.items():
        memory = f"  {figures['mb']:6.1f} MB ({figures['mb_to_bare']:.2f} × bare)" if "mb" in figures else ""
        print(f"  {kind:16} {figures['cpu_s']:6.2f} s CPU ({figures['cpu_to_bare']:.2f} × bare){memory}")


if __name__ == "__main__":
    main()
