"""Read docker/ without a container: the services, and each command as it would run on this machine."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker" / "compose.yaml"
DOCKERFILE = ROOT / "docker" / "Dockerfile"


def compose() -> dict[str, Any]:
    """The compose file, its anchors resolved."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
    return read


def services() -> dict[str, Any]:
    """Every service by name."""
    found: dict[str, Any] = compose()["services"]
    return found


def ours() -> dict[str, Any]:
    """The services that run our image."""
    return {name: service for name, service in services().items() if "build" in service}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


_EXPANSION = re.compile(r"\$\{(\w+):([?-])([^}]*)\}")


def _fill(found: re.Match[str]) -> str:
    """The default of a variable; for one that must be set, a value that serves as password, secret and login."""
    return found[3] if found[2] == "-" else "test:long-enough-for-a-secret"


@dataclass(frozen=True)
class Here:
    """What stands on this machine for the names, ports and folders of the containers."""

    database_url: str
    broker_url: str
    scratch: Path
    ports: Mapping[str, int]

    def text(self, value: str) -> str:
        """One word of a command or a variable, translated."""
        for port, free in self.ports.items():
            value = re.sub(rf"\b{port}\b", str(free), value)
        value = re.sub(r"/(data|tmp)\b", str(self.scratch), value.replace("0.0.0.0", "127.0.0.1"))
        return value.replace("$$", "$")

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a service; what an operator must set gets a value for the test."""
        filled = {name: _EXPANSION.sub(_fill, value) for name, value in service["environment"].items()}
        translated = {name: self.text(value) for name, value in filled.items()}
        own = {"LONGHAUL_DATABASE_URL": self.database_url, "LONGHAUL_BROKER_URL": self.broker_url}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, **translated, **own, "PATH": path, "HOSTNAME": socket.gethostname()}

    def command(self, service: Mapping[str, Any]) -> list[str]:
        """The command of a service."""
        return [self.text(word) for word in service["command"]]

    def healthcheck(self, service: Mapping[str, Any]) -> list[str]:
        """The health check of a service as a command."""
        kind, *words = service["healthcheck"]["test"]
        translated = [self.text(word) for word in words]
        return ["sh", "-c", *translated] if kind == "CMD-SHELL" else translated
