"""`submit` takes folders as people send them: nothing is left out silently, and what cannot be taken is named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.documents.storage import MAX_BYTES
from app.insurance.intake import MAX_FILES
from tests.cli.conftest import Longhaul
from tests.support.journey import Travel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one document."""
    (tmp_path / "claim").mkdir()
    (tmp_path / "claim" / "note.txt").write_text("A bent mudguard.")
    return tmp_path / "claim"


def stated(folder: Path, sheet: Any) -> None:
    (folder / "claim.json").write_text(sheet if isinstance(sheet, str) else json.dumps(sheet))


def test_documents_in_folders_within_are_taken_along(longhaul: Longhaul, journey: Travel, folder: Path) -> None:
    (folder / "more" / "deep").mkdir(parents=True)
    (folder / "more" / "letter.txt").write_text("Dear Sirs")
    (folder / "more" / "deep" / "bill.txt").write_text("Total 3.00")
    (folder / ".trash").mkdir()
    (folder / ".trash" / "old.txt").write_text("old")
    assert longhaul.json("submit", folder)["documents"] == 3


@pytest.mark.parametrize("odd", ["dangling", "loop", "pipe"])
def test_what_cannot_be_read_is_named_and_nothing_is_started(
    longhaul: Longhaul, journey: Travel, folder: Path, odd: str
) -> None:
    match odd:
        case "dangling":
            (folder / odd).symlink_to("/nowhere/at.all")
        case "loop":
            (folder / odd).symlink_to(".")
        case "pipe":
            os.mkfifo(folder / odd)
    result = longhaul("submit", folder)
    assert result.exit_code == 2
    assert f"{folder / odd} is no file that can be read" in result.stderr
    assert journey.rows("SELECT 1 FROM runs") == []


def test_too_many_and_too_large_files_are_refused_before_they_are_read(
    longhaul: Longhaul, journey: Travel, folder: Path
) -> None:
    with (folder / "large.pdf").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "25 MB" in longhaul("submit", folder).stderr
    (folder / "large.pdf").unlink()
    for n in range(MAX_FILES):
        (folder / f"{n}.txt").write_text(str(n))
    assert "more than 100 files" in longhaul("submit", folder).stderr


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ({"claim": {"a": 1}}, "claim: must be the claim's number"),
        ({"claim": True}, "claim: must be the claim's number"),
        ({"claim": "C\x00"}, "claim: must be the claim's number"),
        ({"claim": "x" * 201}, "claim: must be the claim's number"),
        ({"amount_claimed": "abc"}, "amount_claimed"),
        ({"amount_claimed": "-5"}, "amount_claimed: -5 is less than nothing"),
        ({"claimant": 7}, "claimant"),
        ("", "claim.json is not valid JSON"),
        ("[1]", "one JSON object"),
    ],
)
def test_a_sheet_that_cannot_be_understood_is_refused_by_its_field(
    longhaul: Longhaul, journey: Travel, folder: Path, sheet: Any, said: str
) -> None:
    stated(folder, sheet)
    result = longhaul("submit", folder)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


@pytest.mark.parametrize(
    ("sheet", "subject", "provisional"),
    [
        ({"claim": "CLM-1"}, "CLM-1", False),
        ({"claim_number": "CLM-2", "policy_number": "P-1"}, "CLM-2", False),
        ({"claim": 4711}, "4711", False),
        ({"claim": "", "policy": "P-1"}, "CLAIM-", True),
        ({"claim": None}, "CLAIM-", True),
        ({}, "CLAIM-", True),
    ],
)
def test_only_a_number_that_was_stated_is_the_claims_own(
    longhaul: Longhaul, journey: Travel, folder: Path, sheet: Any, subject: str, provisional: bool
) -> None:
    stated(folder, sheet)
    made = longhaul.json("submit", folder)
    assert made["claim"].startswith(subject)
    assert longhaul.json("show", made["run_id"])["data"]["number_is_provisional"] is provisional


def test_what_a_sheet_states_under_unknown_names_is_kept_for_the_reviewer(
    longhaul: Longhaul, journey: Travel, folder: Path
) -> None:
    stated(folder, {"claim": "CLM-9", "polcy": "HVM-1"})
    run_id = longhaul.json("submit", folder)["run_id"]
    (note,) = longhaul.json("show", run_id)["data"]["notes"]
    assert "'polcy'" in note
    assert "'HVM-1'" in note


def test_the_same_files_uploaded_in_another_order_are_the_same_upload(
    longhaul: Longhaul, journey: Travel, folder: Path, tmp_path: Path
) -> None:
    run_id = longhaul.json("submit", folder)["run_id"]
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("1")
    two.write_text("2")
    longhaul.json("upload", run_id, one, two)
    longhaul.json("upload", run_id, two, one)
    assert len(journey.rows("SELECT 1 FROM signals")) == 1
