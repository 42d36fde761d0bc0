"""Which processes make the stack, with which commands and variables."""

from __future__ import annotations

import json
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.application import installed, roles
from app.settings import Settings
from app.stack import outside
from app.stack.servers import local_model
from app.stack.servers.ports import choose_port
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.redis import EmbeddedRedis
from app.stack.servers.services import Command, Server, Service
from app.stack.status import StackStatus, StackUrls

_CELERY = [sys.executable, "-m", "celery", "-A", "tasks"]
_FLOWER_USER = "longhaul"
_LOCAL_MODEL_PORT = 8713


@dataclass
class Assembly:
    """All of a stack, not yet started: groups of services in the order of their start, and where they will be found."""

    groups: list[list[Service]]
    about: StackStatus
    migrate: Callable[[], None]


def assemble(settings: Settings, data_dir: Path) -> Assembly:
    """Choose servers, ports and commands. What the settings name by address is used, not started."""
    postgres = None if settings.database_url else EmbeddedPostgres(data_dir / "postgres", death_signal=signal.SIGINT)
    redis = None if settings.broker_url else EmbeddedRedis(data_dir / "redis", death_signal=signal.SIGTERM)
    web_port = _port(settings, "web_port")
    found = outside.addresses(settings)
    urls = StackUrls(
        database_url=postgres.url() if postgres else settings.database_url,
        broker_url=redis.url() if redis else settings.broker_url,
        web=f"http://127.0.0.1:{web_port}",
        flower=f"http://127.0.0.1:{web_port}/flower/",
        payments=found.get("payments", ""),
        local_model=_local_model_url(settings),
    )
    env = environment_of(settings) | shared_environment(settings, data_dir, urls) | outside.variables(settings, found)
    servers: list[Service] = [
        Server(name, server) for name, server in (("postgres", postgres), ("redis", redis)) if server
    ]
    services = [*outside.services(settings, data_dir, env), *_local_model(urls, data_dir, env, settings)]
    groups = [servers, services, *_processes(settings, data_dir, env)]
    about = StackStatus(
        data_dir=data_dir,
        urls=urls,
        database_folder=postgres.cluster if postgres else None,
        provider=settings.provider,
        providers=settings.providers,
    )
    return Assembly(groups, about, lambda: _migrate(settings, urls.database_url, data_dir))


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give another process the settings that are not defaults here."""
    return {f"LONGHAUL_{name.upper()}": _spelled(settings, name) for name in settings.model_fields_set}


def _spelled(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if isinstance(value, dict):
        return json.dumps(settings.model_dump(mode="json", include={name})[name])
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def shared_environment(settings: Settings, data_dir: Path, urls: StackUrls) -> dict[str, str]:
    """The variables by which every child finds the others."""
    return {
        "LONGHAUL_DATABASE_URL": urls.database_url,
        "LONGHAUL_BROKER_URL": urls.broker_url,
        "LONGHAUL_DATA_DIR": str(data_dir),
        "LONGHAUL_WEB_HOST": settings.web_host,
        "LONGHAUL_WEB_PORT": str(port_of(urls.web)),
        "PYTHONUNBUFFERED": "1",
    } | ({"LONGHAUL_LOCAL_MODEL_URL": urls.local_model} if urls.local_model else {})


def port_of(url: str) -> int:
    """The port in an address of ours."""
    port = urlsplit(url).port
    assert port is not None, f"{url} names no port"
    return port


def _port(settings: Settings, name: str) -> int:
    named_by = f"LONGHAUL_{name.upper()}" if name in settings.model_fields_set else None
    return choose_port(getattr(settings, name), named_by=named_by)


def _local_model_url(settings: Settings) -> str:
    """Where the local model will be found; empty where nothing asks for it, or the settings say where it is."""
    if not local_model.is_wanted(settings):
        return settings.local_model_url
    local_model.weights()  # now, where one clear message is possible
    return f"http://127.0.0.1:{choose_port(_LOCAL_MODEL_PORT, named_by=None)}/v1"


def _local_model(urls: StackUrls, data_dir: Path, env: dict[str, str], settings: Settings) -> list[Service]:
    """The small model on this machine, where a prompt is to be answered by it."""
    if not local_model.is_wanted(settings):
        return []
    port = port_of(urls.local_model)
    argv = [sys.executable, "-m", "app.stack.servers.local_model", "--port", str(port)]
    return [_command("local-model", argv, data_dir, env, port=port)]


def _processes(settings: Settings, data_dir: Path, env: dict[str, str]) -> list[list[Service]]:
    """Workers first; then what makes work for them, which so stops before them."""
    grace = settings.shutdown_grace_seconds + 5.0
    quiet = ["--without-gossip", "--without-mingle", "--loglevel=INFO"]
    steps = [*_CELERY, "worker", "-n", "steps@%h", "-P", "threads", "-c", "16", *quiet]
    documents = [*_CELERY, "worker", "-n", "documents@%h", "-P", "threads", "-c", "32", *quiet]
    isolated = [*_CELERY, "worker", "-n", "isolated@%h", "-P", "prefork", "-c", "2", *quiet]
    beat = [*_CELERY, "beat", "--schedule", str(data_dir / "beat-schedule"), "--pidfile=", "--loglevel=INFO"]
    flower, found = _flower(settings, data_dir, env)
    # Another interface cannot be asked through 127.0.0.1: then running counts as ready.
    web_port = int(env["LONGHAUL_WEB_PORT"]) if settings.web_host in {"127.0.0.1", "localhost"} else None
    workers: list[Service] = [
        _command("worker-steps", steps, data_dir, env | {"LONGHAUL_POOLS": "steps,sweeps"}, grace=grace),
        _command("worker-documents", documents, data_dir, env | {"LONGHAUL_POOLS": "documents"}, grace=grace),
        _command("worker-isolated", isolated, data_dir, env | {"LONGHAUL_POOLS": "isolated"}, grace=grace),
    ]
    others: list[Service] = [
        _command("beat", beat, data_dir, env),
        *flower,
        _command("web", [sys.executable, "-m", "app.web"], data_dir, env | found, port=web_port),
    ]
    return [workers, others]


def _flower(settings: Settings, data_dir: Path, env: dict[str, str]) -> tuple[list[Service], dict[str, str]]:
    """Flower, where the settings name none, and the variables by which the web process, its only door, finds it."""
    if settings.flower_url:
        return [], {}
    port = _port(settings, "flower_port")
    login = f"{_FLOWER_USER}:{_flower_password(data_dir)}"  # against other users of this machine
    own = {  # by environment: a command line is readable by everybody on the machine
        "FLOWER_BASIC_AUTH": login,
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_PORT": str(port),
        "FLOWER_URL_PREFIX": "flower",
        "FLOWER_READ_ONLY": "true",
    }
    found = {"LONGHAUL_FLOWER_URL": f"http://127.0.0.1:{port}", "LONGHAUL_FLOWER_LOGIN": login}
    return [_command("flower", [*_CELERY, "flower"], data_dir, env | own, port=port)], found


def _command(
    name: str, argv: Sequence[str], data_dir: Path, env: dict[str, str], *, port: int | None = None, grace: float = 10.0
) -> Command:
    return Command(name, argv, data_dir / "logs" / f"{name}.log", env, port, grace)


def _flower_password(data_dir: Path) -> str:
    """Made once per data folder; readable by its owner alone."""
    file = data_dir / "flower.password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
    return file.read_text().strip()


def _migrate(settings: Settings, database_url: str, data_dir: Path) -> None:
    """The newest tables, then what the application begins with."""
    from app.store.migrate import upgrade

    upgrade(database_url, roles(settings))
    installed(settings).seed(database_url, data_dir)
