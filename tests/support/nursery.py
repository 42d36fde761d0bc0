"""A process from which the processes under test are forked, so that none of them loads the libraries anew.

Starting Python with Celery, the web framework and our own modules takes two seconds of processor time; thousands of
processes are started by the tests. The law: what is forked here is a process like any other, by the command of the
README, with its own environment, session and log; it is signalled and killed by its own id. Loaded
before the fork is only what reads no setting and opens nothing; whatever reads settings is imported after it.

    python -m tests.support.nursery        answers on its standard input, one line each way; ends with its end
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from app.stack.servers.processes import ChildProcess, spawn

PROJECT = Path(__file__).parents[2]
CELERY = str(Path(sys.executable).with_name("celery"))
_PR_SET_PDEATHSIG = 1
_SERVER = ("uvicorn", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto")
_APPLICATION = ("app.installed", "app.insurance.tools", "app.insurance.reading.rules.by_prompt", "workflows")
_LOADED = {
    "celery": (
        "celery.bin.celery",
        "celery.apps.worker",
        "celery.apps.beat",
        "celery.worker.consumer",
        "celery.concurrency.prefork",
        "celery.concurrency.thread",
        "kombu.transport.redis",
        "kombu.transport.pyamqp",
        "time_machine",
        "app.bootstrap",
        *_APPLICATION,
        "app.sweeps",
        "app.sweeps.watch",
        "app.engine.step.step",
        "app.engine.process.watchdog",
        "app.engine.process.housekeeping",
    ),
    "app.web": (
        "app.web.application",
        "app.insurance.api.claims",
        "app.insurance.claimant.links",
        "app.insurance.claimant.page",
        *_APPLICATION,
        *_SERVER,
    ),
    "app.insurance.demo.payments": ("app.insurance.demo.payments_store", "fastapi", *_SERVER),
    "a model": ("app.agents.asking", "openai", "pydantic_ai.models.openai", "pydantic_ai.providers.openai"),
}
"""What each kind of program loads; the first of its kind waits for it."""


class Forked(ChildProcess):
    """A process that the nursery forked."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        super().__init__(psutil.Process(pid))
        self._nursery = nursery
        self._code: int | None = None

    @property
    def exit_code(self) -> int | None:
        """The code it ended with, negative for a signal; None while it runs."""
        if self._code is None:
            self._code = self._nursery.ask("ended", pid=self.pid)
        return self._code

    @property
    def alive(self) -> bool:
        """Whether it still runs. A dead one is reaped by asking."""
        return self.exit_code is None


class Nursery:
    """The test's side of one nursery process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery"],
                stdin=theirs.fileno(),
                cwd=PROJECT,
                env={**os.environ, "PYTHONPATH": str(PROJECT)},
            )
        self._lock, self._line = threading.Lock(), ours.makefile("rw", encoding="utf-8")

    def ask(self, what: str, **more: object) -> Any:
        """Ask for one thing."""
        with self._lock:
            self._line.write(json.dumps({"what": what, **more}) + "\n")
            self._line.flush()
            return json.loads(self._line.readline())

    def end(self) -> None:
        """End it, and with it all that it forked."""
        self._process.kill()
        self._process.wait()
        self._line.close()


@lru_cache(maxsize=1)
def nursery() -> Nursery:
    """The nursery of this process, begun when first needed."""
    made = Nursery()
    atexit.register(made.end)
    return made


def start(command: Sequence[str], *, log: Path, env: Mapping[str, str], folder: Path = PROJECT) -> ChildProcess:
    """Start a command, its output appended to `log`; it dies with us. Forked if it is one of ours, where Linux allows it.

    Call from the main thread only: what is not forked dies with the thread that started it.
    """
    ours = command[0] == CELERY or list(command[:2]) == [sys.executable, "-m"]
    if not (ours and sys.platform == "linux" and folder == PROJECT and env.get("PYTHONPATH") == str(PROJECT)):
        return spawn(command, log=log, env=env, cwd=folder, death_signal=signal.SIGKILL)
    log.touch(mode=0o600)
    pid = nursery().ask("fork", command=list(command), log=str(log), env=dict(env))
    return Forked(nursery(), pid)


def main() -> None:
    """Answer until the other side is gone; in a forked child, be what was asked for."""
    asked = socket.socket(fileno=os.dup(0))
    lines = asked.makefile("rw", encoding="utf-8")
    while line := lines.readline():
        request = json.loads(line)
        if request["what"] == "fork":
            _load(request["command"], request["env"])
            pid = os.fork()
            if pid == 0:
                break
            _codes.pop(pid, None)
            answer: int | None = pid
        else:
            answer = _ended(request["pid"])
        lines.write(json.dumps(answer) + "\n")
        lines.flush()
    else:
        return
    asked.detach()
    _become(request)


def _load(command: Sequence[str], env: Mapping[str, str]) -> None:
    names = _LOADED.pop("celery" if command[0] == CELERY else command[2], ())
    if "LONGHAUL_OPENAI_BASE_URL" in env:  # it will ask a model, whose libraries take longer than all else
        names += _LOADED.pop("a model", ())
    for name in names:
        import_module(name)
    if names:
        gc.collect()
        gc.freeze()  # else each child copies what the collector touches


_codes: dict[int, int] = {}  # of those that ended; two threads may ask for the same


def _ended(pid: int) -> int | None:
    if pid not in _codes:
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            return None
        _codes[pid] = os.waitstatus_to_exitcode(status)
    return _codes[pid]


def _become(request: dict[str, Any]) -> None:
    """Be the process that was asked for: what exec would do, and then its main program."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    command = request["command"]
    if command[0] == CELERY:
        sys.argv = command
        from celery.__main__ import main as celery

        sys.exit(celery())
    sys.argv = command[2:]
    runpy.run_module(command[2], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
