"""The supervisor restarts what dies, stops in order, leaves nothing behind, and is alone on its data folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from app.settings import Settings
from app.stack.run import start_detached, stop_stack
from app.stack.servers.errors import ServerDidNotStart, StackAlreadyRunning, StackNotRunning
from app.stack.servers.postgres import EmbeddedPostgres
from app.stack.servers.processes import ChildProcess
from app.stack.status import StackUrls, read_status, stack_environment, stack_status, write_status
from tests.conftest import scratch_folder
from tests.stack.helpers import (
    CRASHER,
    DEAF,
    SLEEPER,
    fake_stack,
    fake_stack_command,
    living,
    process_named,
    ready,
)
from tests.support.waiting import wait_for

TELLS_WHEN_IT_ENDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("ended at", time.monotonic())))
print("listening")
time.sleep(600)
"""


def test_a_killed_child_is_restarted_and_counted(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"worker": SLEEPER, "web": SLEEPER}):
        victim, other = living(tmp_path, "worker"), living(tmp_path, "web")
        victim.kill()

        wait_for(lambda: process_named(tmp_path, "worker").restarts and ready(tmp_path), "a restart")

        assert living(tmp_path, "worker").pid != victim.pid
        assert process_named(tmp_path, "worker").restarts == 1
        assert living(tmp_path, "web").pid == other.pid, "a neighbour's death is no reason to restart"


def test_a_child_that_always_dies_is_retried_ever_more_slowly(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"web": SLEEPER, "broken": CRASHER}, "--settle", "0"):
        wait_for(lambda: process_named(tmp_path, "broken").restarts >= 3, "three restarts")
        broken = process_named(tmp_path, "broken")
        assert "ended with code 3" in broken.note
        # pauses of 0.2, 0.4, 0.8 and 1.6 s lie between five deaths: a tight loop would be in the dozens by now
        assert broken.restarts <= 5
        assert process_named(tmp_path, "web").state == "running"


def test_everything_stops_in_reverse_order_on_sigterm(tmp_path: Path) -> None:
    children = {name: [sys.executable, "-u", "-c", TELLS_WHEN_IT_ENDS] for name in ("first", "second")}
    with fake_stack(tmp_path, children) as supervisor:
        wait_for(lambda: all((tmp_path / f"{name}.log").read_text() for name in children), "both to listen")
        pids = [living(tmp_path, name).pid for name in children]
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0

        assert not any(psutil.pid_exists(pid) for pid in pids)
        stopped_at = {name: float((tmp_path / f"{name}.log").read_text().split()[-1]) for name in children}
        assert stopped_at["second"] < stopped_at["first"]
        status = stack_status(tmp_path)
        assert not status.running
        assert {process.state for process in status.processes} == {"stopped"}


def test_a_child_that_ignores_its_grace_is_killed(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"deaf": DEAF}, "--grace", "0.3") as supervisor:
        wait_for((tmp_path / "deaf.log").read_text, "the child to ignore SIGTERM")
        pid = living(tmp_path, "deaf").pid
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(30) == 0
        assert not psutil.pid_exists(pid)
        assert "killed after" in process_named(tmp_path, "deaf").note


def test_a_second_signal_ends_the_grace(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"deaf": DEAF}, "--grace", "600") as supervisor:
        wait_for((tmp_path / "deaf.log").read_text, "the child to ignore SIGTERM")
        supervisor.send_signal(signal.SIGINT)
        wait_for(lambda: not read_status(tmp_path).running, "the first signal")
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(30) == 0


def test_children_of_a_killed_supervisor_die_with_it(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"worker": SLEEPER}) as supervisor:
        worker = living(tmp_path, "worker")
        supervisor.kill()
        wait_for(lambda: not worker.alive, "the worker to follow its supervisor")


def test_what_a_killed_supervisor_left_is_ended_before_a_new_start(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"deaf": DEAF}, "--grace", "0.1") as supervisor:
        wait_for((tmp_path / "deaf.log").read_text, "the child to ignore SIGTERM")
        left = living(tmp_path, "deaf")
        supervisor.kill()
        supervisor.wait()
    assert _alive(left), "it ignores the kernel's word too"
    with fake_stack(tmp_path, {"worker": SLEEPER}, "--grace", "0.1"):
        assert not _alive(left)
        assert living(tmp_path, "worker").alive


def test_a_second_up_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"web": SLEEPER}) as first:
        refused = subprocess.run(
            fake_stack_command(tmp_path, {"web": SLEEPER}), capture_output=True, text=True, check=False, timeout=30
        )
        assert refused.returncode == 1
        assert f"already running on {tmp_path} (supervisor process {first.pid})" in refused.stderr
        assert "longhaul down" in refused.stderr
        with pytest.raises(StackAlreadyRunning, match=str(first.pid)):
            start_detached(Settings(data_dir=tmp_path))
        assert first.poll() is None


def test_up_and_down_in_the_background(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    status = start_detached(settings, command=fake_stack_command(tmp_path, {"web": SLEEPER}))
    web = status.processes[0].living()
    assert status.running
    assert web is not None
    stop_stack(tmp_path)
    assert not web.alive
    assert not stack_status(tmp_path).running
    with pytest.raises(StackNotRunning, match="longhaul up"):
        stop_stack(tmp_path)


def test_a_stack_that_cannot_start_in_the_background_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-such-program")
    with pytest.raises(ServerDidNotStart, match="no-such-program"):
        start_detached(Settings(data_dir=tmp_path), command=fake_stack_command(tmp_path, {"web": [missing]}))
    assert not stack_status(tmp_path).running


def test_a_stack_with_a_part_that_always_dies_is_given_up_in_the_background(tmp_path: Path) -> None:
    command = fake_stack_command(tmp_path, {"web": SLEEPER, "broken": CRASHER}, "--settle", "2")
    with pytest.raises(ServerDidNotStart, match=r"broken \(ended with code 3\).*broken\.log"):
        start_detached(Settings(data_dir=tmp_path), command=command)
    assert process_named(tmp_path, "web").living() is None


def test_a_killed_postgres_is_restarted_with_its_data() -> None:
    with scratch_folder("supervised") as folder, fake_stack(folder, {"web": SLEEPER}, "--postgres"):
        url = EmbeddedPostgres(folder / "postgres").url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        killed = living(folder, "postgres")
        killed.kill()
        wait_for(lambda: process_named(folder, "postgres").restarts == 1 and ready(folder), "Postgres to be restarted")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_recycled_pid_is_not_taken_for_the_stack(tmp_path: Path) -> None:
    with fake_stack(tmp_path, {"web": SLEEPER}):
        status = stack_status(tmp_path)
    ours = psutil.Process()
    forged = [status.processes[0].model_copy(update={"pid": ours.pid, "created_at": ours.create_time() - 1000})]
    write_status(status.model_copy(update={"processes": forged, "supervisor_pid": ours.pid, "running": True}))
    assert stack_status(tmp_path).processes[0].state == "stopped"
    assert not stack_status(tmp_path).running


def test_other_shells_find_a_running_stack_and_only_a_running_one(tmp_path: Path) -> None:
    ours = psutil.Process()
    urls = StackUrls(database_url="postgresql://longhaul@/longhaul?host=/run/x", broker_url="redis://127.0.0.1:1/0")
    status = stack_status(tmp_path).model_copy(
        update={"supervisor_pid": ours.pid, "supervisor_created_at": ours.create_time(), "urls": urls}
    )
    write_status(status)
    assert stack_environment(tmp_path) == {
        "LONGHAUL_DATABASE_URL": urls.database_url,
        "LONGHAUL_BROKER_URL": urls.broker_url,
        "LONGHAUL_DATA_DIR": str(tmp_path),
    }
    write_status(status.model_copy(update={"supervisor_created_at": ours.create_time() - 1000}))
    assert stack_environment(tmp_path) == {}


def test_the_status_file_is_closed_to_other_users(tmp_path: Path) -> None:
    write_status(stack_status(tmp_path))
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


def _alive(process: ChildProcess) -> bool:
    """Asked anew each time, which a type checker does not believe of a property."""
    return process.alive
