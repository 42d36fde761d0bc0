"""`longhaul up` as a newcomer has it: real processes, found by other shells, restarted when killed, gone afterwards."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx
import psutil
import psycopg
import pytest

from app.accounts import administer
from app.bootstrap import runtime
from app.settings import Settings
from app.stack.clean import clean
from app.stack.run import start_detached, stop_stack
from app.stack.servers.errors import StackError
from app.stack.servers.places import outside
from app.stack.status import StackStatus, stack_environment, stack_status
from tests.conftest import scratch_folder
from tests.stack.helpers import living, process_named
from tests.support.waiting import wait_for

pytestmark = pytest.mark.stack

PROCESSES = {
    "postgres",
    "redis",
    "payments",
    "worker-steps",
    "worker-documents",
    "worker-isolated",
    "beat",
    "flower",
    "web",
}


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with scratch_folder("whole-stack") as folder:
        yield folder / ".longhaul"


@pytest.fixture(scope="module")
def stack(data_dir: Path) -> Iterator[StackStatus]:
    started = start_detached(Settings(data_dir=data_dir, shutdown_grace_seconds=5))
    yield started
    if stack_status(data_dir).running:
        stop_stack(data_dir)


def test_every_process_runs(stack: StackStatus) -> None:
    assert {process.name for process in stack.processes} == PROCESSES
    assert {process.state for process in stack.processes} == {"running"}


def test_it_is_healthy_within_a_minute(stack: StackStatus) -> None:
    wait_for(lambda: _status_of(f"{stack.urls.web}/healthz") == 200, "every sweep to have begun", seconds=60)


def test_the_doctor_has_nothing_to_say_of_a_healthy_stack(stack: StackStatus, data_dir: Path) -> None:
    """Beat runs and every sweep has begun: no problem, no advice, exit code 0."""
    wait_for(lambda: _status_of(f"{stack.urls.web}/healthz") == 200, "every sweep to have begun", seconds=60)
    env = {name: value for name, value in os.environ.items() if not name.startswith("LONGHAUL_")}
    doctor = subprocess.run(
        [Path(sys.executable).with_name("longhaul"), "doctor"],
        env=env | {"LONGHAUL_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert doctor.returncode == 0, doctor.stdout
    assert "PROBLEM" not in doctor.stdout and "start beat" not in doctor.stdout
    assert "payments     the stack's own, answering at http://127.0.0.1:" in doctor.stdout


def test_flower_is_behind_the_door_of_the_pages_and_asks_everybody_else_for_its_login(
    stack: StackStatus, data_dir: Path
) -> None:
    flower = psutil.Process(next(process.pid or 0 for process in stack.processes if process.name == "flower"))
    port = next(each.laddr.port for each in flower.net_connections("inet") if each.status == psutil.CONN_LISTEN)
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"http://127.0.0.1:{port}/flower/")
    rt = runtime((), role="web", config=Settings(database_url=stack.urls.database_url, data_dir=data_dir))
    path = administer.link(rt, "noor.calderwick", by="test")
    rt.database.close()
    with httpx.Client(base_url=stack.urls.web, follow_redirects=True) as browser:
        assert "Sign in" in browser.get("/flower/tasks").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get(path).text)
        assert csrf
        browser.post(path, data={"csrf": csrf[1]}, headers={"Sec-Fetch-Site": "same-origin"})
        tasks = browser.get(f"{stack.urls.flower}tasks")
    assert tasks.status_code == 200
    assert "<title>Tasks · Flower</title>" in tasks.text
    assert 'aria-label="Longhaul"' in tasks.text


def test_no_password_stands_in_a_command_line(stack: StackStatus, data_dir: Path) -> None:
    password = (data_dir / "flower.password").read_text()
    commands = [psutil.Process(process.pid).cmdline() for process in stack.processes]
    assert password
    assert not any(password in word for command in commands for word in command)


def test_nothing_listens_beyond_this_machine(stack: StackStatus) -> None:
    listening = [
        connection.laddr.ip
        for process in stack.processes
        for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True))
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_beat_is_heard_of(stack: StackStatus, data_dir: Path) -> None:
    with psycopg.connect(stack_environment(data_dir)["LONGHAUL_DATABASE_URL"], autocommit=True) as connection:
        wait_for(
            lambda: connection.execute("SELECT 1 FROM sweeps WHERE name = 'beat'").fetchone(), "a message of beat's"
        )


def test_another_shell_finds_the_database(stack: StackStatus, data_dir: Path) -> None:
    found = stack_environment(data_dir)
    with psycopg.connect(found["LONGHAUL_DATABASE_URL"]) as connection:
        workers = connection.execute("SELECT count(*) FROM workers").fetchone()
    assert workers is not None
    assert found["LONGHAUL_BROKER_URL"] == stack.urls.broker_url


def test_what_it_writes_is_closed_to_other_users(stack: StackStatus, data_dir: Path) -> None:
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)] == []


@pytest.mark.parametrize("name", ["worker-documents", "redis"])
def test_a_killed_process_comes_back(stack: StackStatus, data_dir: Path, name: str) -> None:
    killed = living(data_dir, name)
    killed.kill()
    wait_for(lambda: process_named(data_dir, name).restarts == 1, f"{name} to be restarted")
    wait_for(lambda: process_named(data_dir, name).state == "running", f"{name} to run")
    assert living(data_dir, name).pid != killed.pid


def test_cleaning_stops_it_and_leaves_nothing(stack: StackStatus, data_dir: Path) -> None:
    pids = {process.pid for process in stack_status(data_dir).processes}
    elsewhere = outside(data_dir)
    assert elsewhere
    assert data_dir in clean(data_dir)
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)
    assert [path for path in (data_dir, *elsewhere) if path.exists()] == []


def test_cleaning_refuses_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="does not look like a data folder"):
        clean(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def _status_of(url: str) -> int:
    try:
        with urlopen(url) as answer:
            code: int = answer.status
    except HTTPError as refused:
        return refused.code
    return code
