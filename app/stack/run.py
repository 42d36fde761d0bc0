"""The three things one does with a stack: run it here, start it in the background, stop it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from app.settings import Settings
from app.stack import outside
from app.stack.assembly import assemble, environment_of
from app.stack.display import display
from app.stack.servers.errors import ServerDidNotStart, StackAlreadyRunning, StackError
from app.stack.servers.processes import ChildProcess, spawn
from app.stack.status import StackStatus, require_running, stack_status
from app.stack.supervisor import Supervisor, end_leftovers, sole_supervisor

_READY_SECONDS = 120.0
_STOP_SECONDS = 120.0
_DEATHS_TOO_MANY = 5


def run_stack(settings: Settings, *, on_ready: Callable[[StackStatus], None] | None = None) -> None:
    """Run the stack in this process until SIGINT or SIGTERM; call it from the main thread.

    `on_ready` is called once, when everything answers. Raises StackAlreadyRunning, or another StackError where a part
    that all others need cannot be started.
    """
    os.umask(0o077)  # claims, documents and logs are nobody else's business
    data_dir = prepare_data_dir(settings.data_dir)
    with sole_supervisor(data_dir):
        assembly = assemble(settings, data_dir)
        about = assembly.about.model_copy(update={"payments_at_start": outside.at_start(settings)})
        with display() as show:
            Supervisor(
                data_dir,
                assembly.groups,
                before={1: assembly.migrate},
                about=about,
                show=show,
                on_ready=on_ready,
            ).run()


def start_detached(settings: Settings, *, command: list[str] | None = None) -> StackStatus:
    """Start the stack in the background and return when everything answers.

    `command`: what runs the supervisor, `python -m app.stack` unless told otherwise. Raises StackAlreadyRunning, or
    ServerDidNotStart after it has stopped what did start.
    """
    data_dir = prepare_data_dir(settings.data_dir)
    if (status := stack_status(data_dir)).running:
        raise StackAlreadyRunning(data_dir, status.supervisor_pid)
    log = data_dir / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, **environment_of(settings), "LONGHAUL_DATA_DIR": str(data_dir)}
    supervisor = spawn(command or [sys.executable, "-m", "app.stack"], log=log, env=env)
    try:
        return _wait_until_ready(data_dir, supervisor, log)
    except StackError:
        supervisor.end(signal.SIGTERM, _STOP_SECONDS)
        raise


def stop_stack(data_dir: Path) -> None:
    """Stop the stack on `data_dir`, from any shell, and return when all of it has ended. Raises StackNotRunning."""
    supervisor = require_running(data_dir).supervisor()
    if supervisor:
        supervisor.end(signal.SIGTERM, _STOP_SECONDS)
    end_leftovers(data_dir)


def prepare_data_dir(data_dir: Path) -> Path:
    """Make the data folder, closed to other users; root's may be passed through by the user its Postgres runs as."""
    folder = data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def _wait_until_ready(data_dir: Path, supervisor: ChildProcess, log: Path) -> StackStatus:
    started = time.monotonic()
    status = stack_status(data_dir)
    while time.monotonic() < started + _READY_SECONDS:
        status = stack_status(data_dir)
        if status.ready and status.supervisor_pid == supervisor.pid:
            return status
        if not supervisor.alive:
            raise ServerDidNotStart("the stack", log, "its supervisor ended")
        if any(process.restarts >= _DEATHS_TOO_MANY for process in status.processes):
            break
        time.sleep(0.1)
    late = [process for process in status.processes if process.state != "running"]
    names = ", ".join(f"{process.name} ({process.note or process.state})" for process in late)
    why = f"after {time.monotonic() - started:.0f} s still not ready: {names}"
    raise ServerDidNotStart("the stack", late[0].log if late else log, why)
