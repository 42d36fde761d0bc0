"""What can go wrong while servers and processes are started; each message says what to do."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import LonghaulError


class StackError(LonghaulError):
    """The stack cannot start, stop or be asked; the message names the cause and the remedy."""


class ServerMissing(StackError):
    """No binary of a server was found on this machine."""


class ServerDidNotStart(StackError):
    """A server ended or stayed silent while starting."""

    def __init__(self, name: str, log: Path, why: str) -> None:
        super().__init__(f"{name} did not start: {why}. Its log is {log}:\n{_tail(log)}")


class StackAlreadyRunning(StackError):
    """A supervisor already holds this data folder."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f" (supervisor process {pid})" if pid else ""
        super().__init__(
            f"a stack is already running on {data_dir}{who}. "
            "Look at it with `longhaul status`, stop it with `longhaul down`, "
            "or set LONGHAUL_DATA_DIR to run a second one beside it."
        )


class StackNotRunning(StackError):
    """There is no running stack on this data folder."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"no stack is running on {data_dir}. Start one with `longhaul up`; if one runs elsewhere, go to its folder "
            "or name its data folder with LONGHAUL_DATA_DIR."
        )


def _tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, empty if there is none."""
    if not log.exists():
        return "(empty)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) or "(empty)"
