"""`tasks`, `complete`, `signal`, `submit`, `upload`: what a person types is what the run gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands.answers import answer_of, payload_of
from app.core.errors import BadInput
from tests.cli.conftest import Longhaul
from tests.support.human_tasks import a_task
from tests.support.journey import Travel


@pytest.fixture
def asked(journey: Travel) -> str:
    """The id of an open task."""
    journey.enrol("ada", "adjuster")
    journey.enrol("noor", "operator")
    journey.begin()
    journey.go()
    return str(journey.one("SELECT id FROM human_tasks")["id"])


def test_open_tasks_say_who_may_answer(longhaul: Longhaul, journey: Travel, asked: str) -> None:
    (task,) = longhaul.json("tasks")
    assert (task["id"], task["role"], task["subject"], task["may_answer"]) == (asked, "adjuster", "J-1", ["ada"])
    assert longhaul.json("tasks", "--role", "operator") == []
    assert len(longhaul.json("tasks", "--role", "operator", "--role", "adjuster", "--run", "J-1")) == 1
    assert "How much?" in longhaul("tasks").stdout
    assert longhaul("tasks", "--role", "operator").stdout == "no open tasks\n"


@pytest.mark.parametrize("name", ["whole", "beginning", "run"])
def test_complete_by_fields_on_top_of_the_defaults(longhaul: Longhaul, journey: Travel, asked: str, name: str) -> None:
    called = {"whole": asked, "beginning": asked[:30], "run": "J-1"}[name]
    done = longhaul.json(
        "complete", called, "--as", "ada", "--outcome", "approved", "--set", "comment=as billed = fine"
    )
    assert (done["task_id"], done["completed_by"], done["outcome"]) == (asked, "ada", "approved")
    answer = journey.one("SELECT answer FROM human_tasks")["answer"]
    assert answer["values"] == {"amount": "10.00", "comment": "as billed = fine"}
    assert journey.one("SELECT state, status FROM runs") == {"state": "EXPECTING", "status": "READY"}


def test_complete_with_a_whole_answer_from_a_file(
    longhaul: Longhaul, journey: Travel, asked: str, tmp_path: Path
) -> None:
    file = tmp_path / "answer.json"
    file.write_text('{"amount": "77.10"}')
    assert longhaul("complete", asked, "--as", "ada", "--outcome", "approved", "--answer", f"@{file}").exit_code == 0
    assert journey.one("SELECT answer FROM human_tasks")["answer"]["values"]["amount"] == "77.10"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--as", "noor", "--outcome", "approved"], 1, "role adjuster"),
        (["--as", "nobody", "--outcome", "approved"], 2, "no person"),
        (["--as", "ada", "--outcome", "maybe"], 2, "choose one of approved"),
        (["--as", "ada", "--outcome", "approved", "--set", "amount"], 2, "FIELD=VALUE"),
        (["--as", "ada", "--outcome", "approved", "--set", "colour=red"], 2, "colour"),
        (["--as", "ada", "--outcome", "approved", "--answer", "{"], 2, "--answer"),
        (["--as", "ada", "--outcome", "approved", "--answer", "[]"], 2, "one JSON object"),
        (["--as", "ada", "--outcome", "approved", "--answer", "@/nowhere/at.all"], 2, "cannot be read"),
        (["--as", "ada", "--outcome", "approved", "--answer", "{}", "--set", "amount=1"], 2, "either"),
        (["--as", "ada", "--outcome", "approved", "--row-version", "9"], 1, "changed since"),
        (["--outcome", "approved"], 2, "--as"),
    ],
)
def test_an_answer_that_cannot_stand_changes_nothing(
    longhaul: Longhaul, journey: Travel, asked: str, words: list[str], code: int, said: str
) -> None:
    result = longhaul("complete", asked, *words)
    assert result.exit_code == code
    assert said in result.stderr
    assert journey.one("SELECT status FROM human_tasks") == {"status": "OPEN"}


def test_the_second_answer_is_told_who_was_first(longhaul: Longhaul, journey: Travel, asked: str) -> None:
    journey.enrol("bo", "adjuster")
    assert longhaul("complete", asked, "--as", "ada", "--outcome", "approved").exit_code == 0
    again = longhaul("complete", asked, "--as", "bo", "--outcome", "approved")
    assert again.exit_code == 1
    assert "ada completed this task" in again.stderr
    assert longhaul("complete", "J-1", "--as", "ada", "--outcome", "approved").exit_code == 2


def test_a_signal_is_kept_once_and_refused_after_the_end(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    words = ("signal", "J-1", "letter", "--payload", '{"pages": 2}', "--id", "s-1")
    first = longhaul.json(*words)
    assert (first["new"], first["signal_id"], first["name"]) == (True, "s-1", "letter")
    assert longhaul.json(*words)["new"] is False
    changed = longhaul("signal", "J-1", "letter", "--payload", '{"pages": 3}', "--id", "s-1")
    assert changed.exit_code == 1
    assert "another body" in changed.stderr
    assert longhaul("signal", "J-1", "letter", "--payload", "{").exit_code == 2
    assert longhaul.json("signal", "J-1", "note")["new"] is True
    kept = journey.rows("SELECT name, payload, actor FROM signals ORDER BY seq")
    assert [(row["name"], row["payload"]) for row in kept] == [("letter", {"pages": 2}), ("note", None)]
    assert (
        "no state of this workflow waits for 'note'; its waits are for: letter"
        in longhaul("signal", "J-1", "note").stdout
    )
    assert "no state" not in longhaul("signal", "J-1", "letter").stdout
    longhaul("cancel", "J-1", "--reason", "done")
    late = longhaul("signal", "J-1", "letter")
    assert late.exit_code == 1
    assert "ended as CANCELLED" in late.stderr


def test_a_folder_becomes_a_claim_and_more_documents_follow(
    longhaul: Longhaul, journey: Travel, tmp_path: Path
) -> None:
    folder = tmp_path / "claim"
    folder.mkdir()
    (folder / "note.txt").write_text("A bent mudguard.")
    first = longhaul.json("submit", folder, "--key", "k-1", "--as", "ada")
    assert (first["new"], first["documents"]) == (True, 1)
    assert longhaul.json("submit", folder, "--key", "k-1")["run_id"] == first["run_id"]
    more = tmp_path / "more.txt"
    more.write_text("A second letter.")
    kept = longhaul.json("upload", first["run_id"], more, "--as", "ada")
    assert [document["filename"] for document in kept["documents"]] == ["more.txt"]
    assert journey.one("SELECT name, actor FROM signals") == {"name": "document_uploaded", "actor": "person:ada"}
    assert "READY in RECEIVED and takes them up when it next waits" in kept["not_yet_read"]
    assert longhaul("upload", first["run_id"], tmp_path / "absent.txt").exit_code == 2
    nothing = longhaul("submit", tmp_path / "absent")
    assert nothing.exit_code == 2
    assert "is no folder" in nothing.stderr


FORM = {
    "properties": {
        "amount": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "count": {"type": "integer"},
        "sure": {"type": "boolean"},
        "wanted": {"type": "array", "items": {"type": "string"}},
        "provision": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "kind": {"enum": ["1", "2"]},
        "data": {"type": "object"},
    }
}


def test_fields_take_the_type_the_form_asks_for() -> None:
    task = a_task(form=FORM, defaults={"count": 1, "not_a_field": 2, "data": {"a": 1}})
    fields = [
        "amount=1200.10",
        "count=7",
        "sure=true",
        'wanted=["bill"]',
        "provision=null",
        "kind=1",
        "data.b=x",
        "data.c=2",
    ]
    assert answer_of(task, None, fields) == {
        "amount": "1200.10",
        "count": 7,
        "sure": True,
        "wanted": ["bill"],
        "provision": None,
        "kind": "1",
        "data": {"a": 1, "b": "x", "c": 2},
    }
    assert task.defaults["data"] == {"a": 1}, "the task's own defaults are left alone"


def test_an_amount_is_taken_as_people_write_it() -> None:
    proposal = {"amount_field": "amount", "currency": "USD"}
    amount = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)?$"}]}
    task = a_task(form={"properties": {"amount": amount}}, proposals=[proposal])
    assert answer_of(task, None, ["amount=$3,871.13"]) == {"amount": "3871.13"}
    for text, said in (("EUR 3,871.13", "USD is asked for"), ("3871,13", "such as 3,871.13"), ("3.871", "two ways")):
        with pytest.raises(BadInput, match=said):
            answer_of(task, None, [f"amount={text}"])


def test_a_payload_is_json_or_a_file_of_it(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text("[1]")
    assert payload_of(f"@{file}", what="--payload") == [1]
    for bad in ("{", "NaN", "@/nowhere/at.all"):
        with pytest.raises(BadInput, match="--payload"):
            payload_of(bad, what="--payload")
