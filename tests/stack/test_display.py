"""What a person sees while the stack runs: every process once, then only what changes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from app.stack.display import display, table
from app.stack.status import ProcessStatus, StackStatus, StackUrls

WEB = ProcessStatus(
    name="web",
    state="running",
    pid=4242,
    created_at=1.0,
    command=["python"],
    restarts=0,
    started_at=None,
    log=Path("web.log"),
)
STATUS = StackStatus(
    data_dir=Path("/srv/project/.longhaul"),
    urls=StackUrls(web="http://127.0.0.1:8710", flower="http://127.0.0.1:8710/flower/"),
    processes=[WEB],
)


def test_without_a_terminal_only_changes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    dead = WEB.model_copy(update={"state": "restarting", "pid": None, "note": "killed by signal 9"})
    with display() as show:
        show(STATUS)
        show(STATUS)
        show(STATUS.model_copy(update={"processes": [dead]}))
    assert capsys.readouterr().out.splitlines() == [
        "data folder: /srv/project/.longhaul",
        "web               running     pid 4242",
        "web               restarting               killed by signal 9",
    ]


def test_once_everything_answers_the_addresses_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with display() as show:
        show(STATUS.model_copy(update={"ready": True}))
    told = capsys.readouterr().out
    assert "http://127.0.0.1:8710" in told
    assert "http://127.0.0.1:8710/flower/" in told
    assert "payments" not in told, "there is none to tell of"


def test_a_payments_service_that_did_not_answer_is_told_at_once_and_beside_the_addresses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "payments: external, not answering at http://127.0.0.1:9 (refused)"
    found = STATUS.model_copy(
        update={"payments_at_start": said, "urls": STATUS.urls.model_copy(update={"payments": "http://x"})}
    )
    with display() as show:
        show(found)
        assert said in capsys.readouterr().out
        show(found.model_copy(update={"ready": True}))
    told = capsys.readouterr().out
    assert said in told and "http://x" not in told


def test_a_terminal_shows_a_line_per_process_and_where_the_data_lies() -> None:
    elsewhere = STATUS.model_copy(update={"database_folder": Path("/var/lib/longhaul/longhaul-data-1/cluster")})
    console = Console(file=io.StringIO(), width=140)
    console.print(table(elsewhere))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "web      running  4242" in shown
    assert "/srv/project/.longhaul" in shown
    assert "/var/lib/longhaul/longhaul-data-1/cluster" in shown
