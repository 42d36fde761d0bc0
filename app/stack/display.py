"""One line per process: a table that stays in place on a terminal, a line per change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.stack.status import ProcessStatus, StackStatus

_COLOURS = {"starting": "yellow", "running": "green", "restarting": "red", "stopping": "yellow", "stopped": "dim"}


@contextmanager
def display() -> Iterator[Callable[[StackStatus], None]]:
    """A function that shows a status, for as long as the context lasts."""
    if not sys.stdout.isatty():
        yield _Lines().show
        return
    # No refresh thread: the supervisor must stay single-threaded.
    with Live(console=Console(), auto_refresh=False) as live:
        yield lambda status: live.update(table(status), refresh=True)


def table(status: StackStatus) -> Group:
    """A stack as it is shown on a terminal: its folders, a line per process, its addresses."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("process", "state", "pid", "restarts", "note"):
        shown.add_column(heading)
    for process in status.processes:
        state = f"[{_COLOURS[process.state]}]{process.state}[/]"
        shown.add_row(process.name, state, str(process.pid or ""), str(process.restarts or ""), process.note)
    return Group(Text(_folders(status)), shown, Text(_addresses(status)))


class _Lines:
    """Prints what differs from the last status."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[object, ...]] = {}
        self._introduced = False
        self._ready = False

    def show(self, status: StackStatus) -> None:
        if not self._introduced:
            self._introduced = True
            _say("\n".join([_folders(status), *_external(status)]))
        for process in status.processes:
            mark = (process.state, process.pid, process.note)
            if self._shown.get(process.name, ("stopped", None, "")) != mark:
                self._shown[process.name] = mark
                _say(_line(process))
        if status.ready and not self._ready:
            self._ready = True
            _say(_addresses(status))


def _folders(status: StackStatus) -> str:
    told = f"data folder: {status.data_dir}"
    if status.database_folder and status.data_dir not in status.database_folder.parents:
        told += f"\ndatabase:    {status.database_folder} (its user cannot enter the data folder)"
    return told


def _line(process: ProcessStatus) -> str:
    pid = f"pid {process.pid}" if process.pid else ""
    return f"{process.name:<17} {process.state:<11} {pid:<12} {process.note}".rstrip()


def _addresses(status: StackStatus) -> str:
    urls = status.urls
    shown = {"web": urls.web, "flower": urls.flower, "payments": "" if status.payments_at_start else urls.payments}
    lines = [f"{name:<17} {address}" for name, address in shown.items() if address]
    return "\n".join([*lines, *_external(status)])


def _external(status: StackStatus) -> list[str]:
    """A payments service that is not ours, and whether it answered."""
    return [f"{status.payments_at_start} (asked when the stack was started)"] if status.payments_at_start else []


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
