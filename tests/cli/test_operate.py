"""`cancel`, `pause`, `resume`, `retry`, `redrive`, `fail`, `purge`: each says who and why, and is refused where it must be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.sweeps import timers
from tests.cli.conftest import Longhaul
from tests.support.journey import Travel

WHY = ("--reason", "because", "--as", "noor")


def _last(journey: Travel) -> dict[str, str]:
    return journey.one(
        "SELECT event, actor, reason, to_status FROM transitions ORDER BY created_at DESC, seq DESC LIMIT 1"
    )


def test_pause_resume_and_cancel_are_kept_with_who_and_why(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    assert longhaul.json("pause", "J-1", *WHY)["status"] == "PAUSED"
    assert _last(journey) == {"event": "paused", "actor": "person:noor", "reason": "because", "to_status": "PAUSED"}
    assert longhaul.json("resume", "J-1", *WHY)["status"] == "READY"
    assert "is CANCELLED in GATHERING" in longhaul("cancel", "J-1", *WHY).stdout
    assert _last(journey)["actor"] == "person:noor"


def test_a_waiting_run_pauses_later(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    journey.go()
    after = longhaul.json("pause", "J-1", *WHY)
    assert (after["status"], after["pause_requested"]) == ("WAITING_FOR_HUMAN", True)
    assert "pauses when it would next be ready" in longhaul("pause", "J-1", *WHY).stdout


def test_a_fork_is_made_with_who_and_why(longhaul: Longhaul, journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    made = longhaul.json("fork", "J-1", "1", *WHY)
    assert (made["forked_from"], made["state"], made["copied"]) == (str(run_id), "GATHERING", 2)
    row = journey.one("SELECT forked_from, status FROM runs WHERE id = %s", made["run_id"])
    assert row == {"forked_from": run_id, "status": "READY"}
    assert "begins in GATHERING" in longhaul("fork", str(run_id), "1", *WHY).stdout
    refused = longhaul("fork", str(run_id), "77", *WHY)
    assert refused.exit_code == 2 and "has no step 77; it has 1 to" in refused.stderr


def test_retry_redrive_and_fail(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin("flaky", mood="flaky")
    journey.begin("dead", mood="hopeless")
    journey.go()
    journey.advance_clock(timedelta(minutes=10))
    timers.run_once(journey.rt)
    journey.go()
    assert longhaul.json("retry", "flaky", *WHY)["status"] == "READY"
    assert longhaul.json("redrive", "dead", *WHY)["status"] == "READY"
    journey.go()
    assert longhaul.json("fail", "dead", *WHY)["status"] == "FAILED"


@pytest.mark.parametrize("verb", ["resume", "retry", "redrive", "fail"])
def test_what_the_lifecycle_does_not_list_is_refused_with_exit_code_1(
    longhaul: Longhaul, journey: Travel, verb: str
) -> None:
    journey.begin()
    result = longhaul(verb, "J-1", *WHY)
    assert result.exit_code == 1
    assert "impossible while the run is READY" in result.stderr
    assert journey.one("SELECT status FROM runs") == {"status": "READY"}


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry", "redrive", "fail", "purge"])
def test_nothing_is_done_without_a_reason(longhaul: Longhaul, journey: Travel, verb: str) -> None:
    journey.begin()
    yes = ["--yes"] if verb == "purge" else []
    assert longhaul(verb, "J-1", *yes).exit_code == 2
    assert longhaul(verb, "J-1", *yes, "--reason", " ").exit_code == 2
    assert journey.one("SELECT transition_seq FROM runs") == {"transition_seq": 1}


SECRET = "Wilhelmina"  # stands in the subject of nothing, only in what is to be erased


def test_an_unfinished_run_cannot_be_purged(longhaul: Longhaul, journey: Travel) -> None:
    journey.begin()
    result = longhaul("purge", "J-1", "--yes", *WHY)
    assert result.exit_code == 1
    assert "is READY; only ended runs can be erased" in result.stderr


def test_purge_erases_for_good_and_the_chain_still_verifies(
    longhaul: Longhaul, journey: Travel, tmp_path: Path
) -> None:
    folder = tmp_path / "claim"
    folder.mkdir()
    (folder / f"{SECRET}.txt").write_text(f"{SECRET} was hit from behind.")
    started = longhaul.json("submit", folder)
    run_id = started["run_id"]
    longhaul("signal", run_id, "note", "--payload", f'{{"who": "{SECRET}"}}')
    longhaul("cancel", run_id, "--reason", f"{SECRET} withdrew", "--as", "noor")
    stored = journey.one("SELECT sha256 FROM documents")["sha256"]
    place = tmp_path / "data" / "documents" / stored[:2] / stored
    assert place.exists()
    assert _mentions(journey, SECRET) >= {"transition_rows", "signals", "documents", "checkpoints"}

    asked = longhaul("purge", run_id, *WHY, typed="n\n")
    assert asked.exit_code == 1
    assert place.exists()
    assert longhaul.json("purge", run_id, "--yes", *WHY) == {"run_id": run_id, "runs": 1, "documents": 1}

    assert not place.exists()
    assert _mentions(journey, SECRET) == set()
    assert journey.rows("SELECT salt FROM transitions WHERE salt IS NOT NULL") == []
    verdict = longhaul.json("verify", run_id)
    assert verdict["holds"] is True
    assert verdict["erased"] == verdict["transitions"] == 2
    erased = longhaul.json("show", run_id)["data"]["$erased"]
    assert (erased["by"], erased["reason"]) == ("person:noor", "because")
    assert [entry["name"] for entry in longhaul.json("trace", run_id) if entry["kind"] == "transition"] == [
        "started",
        "cancelled",
    ]
    assert longhaul("purge", run_id, "--yes", *WHY).stdout == "nothing was left to erase\n"


def test_purge_takes_the_children_and_waits_for_them(longhaul: Longhaul, journey: Travel) -> None:
    parent, child = journey.begin("parent"), journey.begin("child")
    journey.tamper("UPDATE runs SET parent_run_id = %s WHERE id = %s", parent, child)
    journey.tamper("UPDATE runs SET status = 'COMPLETE', finished_at = app_now() WHERE id = %s", parent)
    waiting = longhaul("purge", parent, "--yes", *WHY)
    assert waiting.exit_code == 1
    assert str(child) in waiting.stderr
    journey.tamper("UPDATE runs SET status = 'COMPLETE', finished_at = app_now() WHERE id = %s", child)
    assert longhaul.json("purge", parent, "--yes", *WHY)["runs"] == 2


def test_a_document_of_two_claims_survives_the_first(longhaul: Longhaul, journey: Travel, tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "claim.json").write_text(f'{{"claim": "CLM-{name}"}}')
        (folder / "same.txt").write_text("The same letter.")
        runs.append(longhaul.json("submit", folder)["run_id"])
        longhaul("cancel", runs[-1], "--reason", "withdrawn")
    sha256 = journey.rows("SELECT DISTINCT sha256 FROM documents")[0]["sha256"]
    place = tmp_path / "data" / "documents" / sha256[:2] / sha256
    assert longhaul.json("purge", runs[0], "--yes", *WHY)["documents"] == 0
    assert place.exists()
    assert longhaul.json("purge", runs[1], "--yes", *WHY)["documents"] == 1
    assert not place.exists()


def _mentions(journey: Travel, word: str) -> set[str]:
    """The tables in which a word stands anywhere."""
    tables = [
        row["name"] for row in journey.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    ]
    return {
        t for t in tables if journey.rows(f"SELECT 1 AS one FROM {t} AS x WHERE x::text LIKE %s LIMIT 1", f"%{word}%")
    }
