"""`claim`, `release`, `take-over`, `delegate`, `snooze`, `unsnooze`, `comment`: the same service as the pages, from the command line."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Longhaul
from tests.support.journey import Travel


@pytest.fixture
def asked(journey: Travel) -> str:
    """The open task of a run, for an adjuster."""
    journey.enrol("ada", "adjuster")
    journey.enrol("ben", "adjuster")
    journey.enrol("sue", "adjuster", "supervisor")
    journey.begin()
    journey.go()
    return str(journey.one("SELECT id FROM human_tasks")["id"])


def events(journey: Travel) -> list[str]:
    return [row["event"] for row in journey.rows("SELECT event FROM human_task_events ORDER BY seq")][1:]


def holder(journey: Travel) -> str | None:
    found: str | None = journey.one("SELECT claimed_by FROM human_tasks")["claimed_by"]
    return found


def test_a_task_is_claimed_delegated_taken_over_and_released(longhaul: Longhaul, journey: Travel, asked: str) -> None:
    assert "ada has claimed task" in longhaul("claim", "J-1", "--as", "ada").stdout
    late = longhaul("claim", asked, "--as", "ben")
    assert (late.exit_code, "has claimed this task already" in late.stderr) == (1, True)
    assert longhaul("delegate", asked, "--to", "ben", "--as", "ada", "--reason", "you know it").exit_code == 0
    assert holder(journey) == "ben"
    mine = longhaul("take-over", asked, "--as", "ada", "--reason", "after all")
    assert (mine.exit_code, "may not take over" in mine.stderr) == (1, True)
    assert longhaul("take-over", asked, "--as", "sue", "--reason", "ben is ill").exit_code == 0
    assert holder(journey) == "sue"
    assert longhaul("release", asked[:12], "--as", "sue").exit_code == 0
    assert holder(journey) is None
    assert events(journey) == ["claimed", "delegated", "taken over", "released"]


def test_a_comment_and_a_snooze_are_kept(longhaul: Longhaul, journey: Travel, asked: str) -> None:
    assert longhaul("comment", asked, "The garage was called.", "--as", "ada").exit_code == 0
    snoozed = longhaul("snooze", asked, "--until", "2099-01-02T09:00", "--as", "ada", "--reason", "it answers then")
    assert snoozed.exit_code == 0, snoozed.stderr
    assert "2099-01-02T09:00:00+00:00" in snoozed.stdout
    assert journey.one("SELECT body, author FROM human_task_comments") == {
        "body": "The garage was called.",
        "author": "ada",
    }
    assert longhaul("unsnooze", asked, "--as", "ada").exit_code == 0
    assert events(journey) == ["commented", "snoozed", "unsnoozed"]


def test_what_is_no_time_is_refused(longhaul: Longhaul, asked: str) -> None:
    wrong = longhaul("snooze", asked, "--until", "friday", "--as", "ada", "--reason", "x")
    assert (wrong.exit_code, "--until: 'friday' is no time" in wrong.stderr) == (2, True)
