"""Where no stack runs every command says so in one line; where one runs, commands find it by themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest

from app.settings import settings
from app.stack.status import ProcessStatus, StackStatus, StackUrls, write_status
from tests.cli.conftest import Longhaul
from tests.support.dispatchers import SILENT_DISPATCHER
from tests.support.journey import Travel

COMMANDS = [
    ("runs",),
    ("show", "x"),
    ("trace", "x"),
    ("explain", "x"),
    ("verify", "x"),
    ("tasks",),
    ("check",),
    ("signal", "x", "y"),
    ("complete", "x", "--as", "a", "--outcome", "b"),
    ("cancel", "x", "--reason", "y"),
    ("purge", "x", "--reason", "y", "--yes"),
    ("submit", "."),
    ("upload", "x", __file__),
    ("status",),
    ("down",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_without_a_stack_one_message_and_exit_code_2(nowhere: Longhaul, words: tuple[str, ...]) -> None:
    result = nowhere(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("longhaul: no stack is running on ")
    assert result.stderr.count("\n") == 1


def test_status_as_json_is_json_even_without_a_stack(nowhere: Longhaul) -> None:
    found = nowhere.json("status", code=2)
    assert (found["running"], found["processes"]) == (False, [])


@pytest.fixture
def stack(nowhere: Longhaul, database_url: str) -> StackStatus:
    """A stack on the data folder, whose supervisor this very process plays."""
    me = psutil.Process()
    data_dir = Path(nowhere.env["LONGHAUL_DATA_DIR"])
    data_dir.mkdir()
    worker = ProcessStatus(
        name="worker-steps",
        state="running",
        pid=os.getpid(),
        created_at=me.create_time(),
        command=["celery"],
        restarts=2,
        started_at=None,
        log=data_dir / "log",
    )
    gone = worker.model_copy(update={"name": "beat", "pid": 2**22 + 1})
    status = StackStatus(
        data_dir=data_dir,
        ready=True,
        supervisor_pid=os.getpid(),
        supervisor_created_at=me.create_time(),
        urls=StackUrls(database_url=database_url, web="http://127.0.0.1:1"),
        processes=[worker, gone],
    )
    write_status(status)
    nowhere.env |= {"LONGHAUL_DISPATCHER": SILENT_DISPATCHER}
    return status


def test_commands_find_the_running_stack_by_themselves(nowhere: Longhaul, stack: StackStatus, journey: Travel) -> None:
    run_id = journey.begin()
    assert [run["run_id"] for run in nowhere.json("runs")] == [str(run_id)]


def test_a_database_that_is_named_wins_over_the_stack(nowhere: Longhaul, stack: StackStatus) -> None:
    result = nowhere("runs", env={"LONGHAUL_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    assert result.exit_code == 2
    assert "the database does not answer" in result.stderr


def test_status_lists_every_process_with_its_pid(nowhere: Longhaul, stack: StackStatus) -> None:
    found = nowhere.json("status")
    assert found["running"] is True
    assert [(p["name"], p["state"], p["pid"]) for p in found["processes"]] == [
        ("worker-steps", "running", os.getpid()),
        ("beat", "stopped", None),
    ]
    assert str(os.getpid()) in nowhere("status").stdout


def test_a_second_stack_is_refused(nowhere: Longhaul, stack: StackStatus) -> None:
    result = nowhere("up", "--detach")
    assert result.exit_code == 1
    assert "already running" in result.stderr


def test_help_names_every_command(nowhere: Longhaul) -> None:
    result = nowhere("--help", env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    for name in (
        "up",
        "down",
        "status",
        "demo",
        "submit",
        "runs",
        "show",
        "trace",
        "explain",
        "tasks",
        "complete",
        "signal",
        "upload",
        "cancel",
        "pause",
        "resume",
        "retry",
        "redrive",
        "fail",
        "diagram",
        "verify",
        "doctor",
        "purge",
        "check",
    ):
        assert f" {name} " in result.stdout


def test_the_demo_is_called_with_its_option_and_ends_with_its_code(
    nowhere: Longhaul, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, bool]] = []

    def main(*, exit_when_done: bool, local: bool) -> int:
        seen.append((exit_when_done, local))
        return 1

    monkeypatch.setattr("app.insurance.demo.run.main", main)
    assert nowhere("demo", "--exit").exit_code == 1
    assert nowhere("demo").exit_code == 1
    assert nowhere("demo", "--model", "local").exit_code == 1
    assert nowhere("demo", "--model", "gpt").exit_code == 2
    assert seen == [(True, False), (False, False), (False, True)]


def test_output_of_json_is_only_json(nowhere: Longhaul, stack: StackStatus, journey: Travel) -> None:
    journey.begin("J-ü\u202e")
    result = nowhere("runs", "--json")
    assert json.loads(result.stdout)[0]["subject"] == "J-ü\u202e"
    assert result.stderr == ""


def test_a_demo_whose_payments_service_does_not_answer_says_so_and_starts_nothing(nowhere: Longhaul) -> None:
    settings.cache_clear()
    result = nowhere("demo", env={"LONGHAUL_PAYMENTS_URL": "http://127.0.0.1:9"})
    settings.cache_clear()
    assert result.exit_code == 2
    said = " ".join(result.output.split())
    assert "payments: external, not answering at http://127.0.0.1:9 (" in said
    assert "without that setting" in said and "The demo was not started" in said
    assert not (Path(nowhere.env["LONGHAUL_DATA_DIR"]) / "stack.json").exists()
