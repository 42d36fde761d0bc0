"""What runs where: `stack.json` in the data folder, written by the supervisor alone, read by every other command.

A pid alone proves nothing (it may have been given to another program since), so each stands with its start time, and
a reader asks the operating system before it believes.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.stack.servers.errors import StackNotRunning
from app.stack.servers.processes import ChildProcess

STATUS_FILE = "stack.json"

State = Literal["starting", "running", "restarting", "stopping", "stopped"]


class ProcessStatus(BaseModel):
    """One process of the stack."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    pid: int | None
    created_at: float | None
    command: list[str]
    restarts: int
    started_at: datetime | None
    log: Path
    note: str = ""

    def living(self) -> ChildProcess | None:
        """The process itself, None where it is gone and its number given to another."""
        return ChildProcess.found(self.pid, self.created_at) if self.pid is not None else None


class StackUrls(BaseModel):
    """Where the parts of a stack are found; empty where a part is not run by it."""

    model_config = ConfigDict(frozen=True)

    database_url: str = ""
    broker_url: str = ""
    web: str = ""
    flower: str = ""
    payments: str = ""
    local_model: str = ""


class StackStatus(BaseModel):
    """The stack of one data folder.

    `running`: its supervisor lives. `ready`: everything has once answered. `database_folder`: where the embedded
    Postgres keeps its files, outside `data_dir` where its user cannot enter that. `provider`, `providers`: who answers prompts.
    `payments_at_start`: of a payments service that the settings name, whether it answered when the stack was started.
    """

    model_config = ConfigDict(frozen=True)

    data_dir: Path
    running: bool = False
    ready: bool = False
    supervisor_pid: int | None = None
    supervisor_created_at: float | None = None
    started_at: datetime | None = None
    database_folder: Path | None = None
    urls: StackUrls = StackUrls()
    provider: str = ""
    providers: dict[str, str] = {}
    payments_at_start: str = ""
    processes: list[ProcessStatus] = []

    def supervisor(self) -> ChildProcess | None:
        """The supervisor's process, None where it is gone."""
        if self.supervisor_pid is None:
            return None
        return ChildProcess.found(self.supervisor_pid, self.supervisor_created_at)

    def runs(self, name: str) -> bool:
        """Whether a process of that name is the stack's own."""
        return any(process.name == name for process in self.processes)


def stack_status(data_dir: Path) -> StackStatus:
    """The stack on `data_dir` as it is now: what is written down, minus what has died since."""
    written = read_status(data_dir)
    processes = [
        process if process.living() else process.model_copy(update={"state": "stopped", "pid": None})
        for process in written.processes
    ]
    return written.model_copy(update={"processes": processes, "running": written.supervisor() is not None})


def stack_environment(data_dir: Path) -> dict[str, str]:
    """The `LONGHAUL_` variables with which a command finds the stack running on `data_dir`; empty where none runs."""
    status = stack_status(data_dir)
    if not status.running:
        return {}
    found = {
        "LONGHAUL_DATABASE_URL": status.urls.database_url,
        "LONGHAUL_BROKER_URL": status.urls.broker_url,
        "LONGHAUL_PAYMENTS_URL": status.urls.payments,
        "LONGHAUL_LOCAL_MODEL_URL": status.urls.local_model,
        "LONGHAUL_PROVIDER": status.provider,
        "LONGHAUL_PROVIDERS": json.dumps(status.providers) if status.providers else "",
        "LONGHAUL_DATA_DIR": str(status.data_dir),
    }
    return {name: value for name, value in found.items() if value}


def require_running(data_dir: Path) -> StackStatus:
    """The running stack on `data_dir`. Raises StackNotRunning."""
    status = stack_status(data_dir)
    if not status.running:
        raise StackNotRunning(data_dir)
    return status


def read_status(data_dir: Path) -> StackStatus:
    """What the last supervisor wrote, believed or not; an empty status where there is nothing readable."""
    try:
        return StackStatus.model_validate_json((data_dir / STATUS_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return StackStatus(data_dir=data_dir.absolute())


def write_status(status: StackStatus) -> None:
    """Replace `stack.json` whole; readable by its owner alone, because an address may hold a password."""
    target = status.data_dir / STATUS_FILE
    part = target.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(status.model_dump_json(indent=2))
    part.replace(target)
