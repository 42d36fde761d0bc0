"""The outside services of the application: which of them the stack brings, and whether the others answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from app.application import StandIn, installed
from app.diagnosis.check import Check
from app.settings import Settings
from app.stack.servers.ports import choose_port
from app.stack.servers.services import Command, Service
from app.stack.status import stack_status


def addresses(settings: Settings) -> dict[str, str]:
    """Where each outside service is found, by its name: where the settings say, else at a free port of this machine."""
    return {stand_in.name: _address(settings, stand_in) for stand_in in installed(settings).stand_ins}


def variables(settings: Settings, found: Mapping[str, str]) -> dict[str, str]:
    """The variables by which every process finds them."""
    return {f"LONGHAUL_{s.setting.upper()}": found[s.name] for s in installed(settings).stand_ins}


def services(settings: Settings, data_dir: Path, env: Mapping[str, str]) -> list[Service]:
    """Stand-ins for those that the settings do not name."""
    return [
        Command(
            s.name,
            list(s.command),
            data_dir / "logs" / f"{s.name}.log",
            dict(env),
            _port(env[f"LONGHAUL_{s.setting.upper()}"]),
        )
        for s in installed(settings).stand_ins
        if s.setting not in settings.model_fields_set
    ]


def checks(settings: Settings) -> Mapping[str, Callable[[], Check]]:
    """A look at each, asked as a worker asks it; of the stack that runs here if that brought it."""
    adds, stack = installed(settings), stack_status(settings.data_dir.absolute())
    brought = [s for s in adds.stand_ins if stack.running and stack.runs(s.name)]
    own = {s.name for s in brought if getattr(settings, s.setting) == getattr(stack.urls, s.name, "")}
    return adds.checks(settings, own)


def at_start(settings: Settings) -> str:
    """What those that are not ours said when the stack was started; empty where it brings all of them."""
    adds = installed(settings)
    named = {s.name for s in adds.stand_ins if s.setting in settings.model_fields_set}
    return "\n".join(str(look()) for name, look in adds.checks(settings, ()).items() if name in named)


def _address(settings: Settings, stand_in: StandIn) -> str:
    url = str(getattr(settings, stand_in.setting))
    if stand_in.setting in settings.model_fields_set:
        return url
    return f"http://127.0.0.1:{choose_port(_port(url), named_by=None)}"


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, f"{url} names no port"
    return port
