"""One child process: in a session of its own, known by pid and start time, ended with a grace and then by force."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from app.stack.servers.places import Owner

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1


class ChildProcess:
    """A process this one started, or found running from an earlier life of the stack."""

    def __init__(self, process: psutil.Process, started: subprocess.Popen[bytes] | None = None) -> None:
        self._process = process
        self._started = started

    @classmethod
    def found(cls, pid: int, created_at: float | None = None) -> ChildProcess | None:
        """The living process `pid`, or None; with `created_at` only if it is still the same one."""
        try:
            process = psutil.Process(pid)
            if created_at is not None and abs(process.create_time() - created_at) > 1.0:
                return None
        except psutil.NoSuchProcess:
            return None
        child = cls(process)
        return child if child.alive else None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def created_at(self) -> float:
        """Seconds since the epoch; with the pid it names one process for ever."""
        return self._process.create_time()

    @property
    def command(self) -> list[str]:
        """The command line as the operating system has it; empty once the process is gone."""
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            # Some programs write their title over it and leave empty words behind.
            return [word for word in self._process.cmdline() if word]
        return []

    @property
    def alive(self) -> bool:
        """Whether it still runs. A dead child of ours is reaped by asking."""
        if self._started is not None:
            return self._started.poll() is None
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def exit_code(self) -> int | None:
        """The code it ended with, negative for a signal; None while it runs or where we did not start it."""
        return self._started.poll() if self._started is not None else None

    def send(self, signum: int) -> None:
        """Send a signal to the process alone; a process that is gone is no error."""
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            self._process.send_signal(signum)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; False if it still runs after `seconds`."""
        return _until(lambda: not self.alive, seconds)

    def end(self, signum: int = signal.SIGTERM, grace: float = 10.0) -> bool:
        """Ask it to end, wait `grace` seconds, then kill it and its descendants; whether the grace was enough."""
        self.send(signum)
        if self.wait(grace):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """SIGKILL the process first, so that it restarts nothing, then every descendant it had."""
        try:
            descendants = [ChildProcess(process) for process in self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            descendants = []
        for process in (self, *descendants):
            process.send(signal.SIGKILL)
        _until(lambda: not any(process.alive for process in (self, *descendants)), 10.0)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll; a pid need not vanish: where no init reaps orphans, a killed grandchild stays a zombie for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    owner: Owner | None = None,
    death_signal: int | None = None,
) -> ChildProcess:
    """Start `command` in a session of its own, its output appended to `log`.

    `owner`: the user it runs as, if another than ours. `death_signal`: what the kernel sends it when the *thread* that
    started it ends, however it ends; only for callers that start children from their main thread.
    """
    change = owner is not None and not owner.is_current
    log.touch(mode=0o600)
    with log.open("ab") as output:
        started = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            start_new_session=True,
            user=owner.uid if owner and change else None,
            group=owner.gid if owner and change else None,
            extra_groups=[] if change else None,
            # Unsafe beside other threads; who asks for it starts children from the only thread there is.
            preexec_fn=_die_with_parent(death_signal) if death_signal and _LINUX else None,  # noqa: PLW1509
        )
    return ChildProcess(psutil.Process(started.pid), started)


def _die_with_parent(signum: int) -> Callable[[], None]:
    """A hook for the child, after its change of user (which would clear the request) and before exec."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent died between fork and here
            os.kill(os.getpid(), signum)

    return ask_the_kernel
