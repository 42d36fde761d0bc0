"""The demo's table says where a claim stands under the name it is found by, and blames nobody for what a person did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from rich.console import Console

from app.humans.complete import complete
from app.insurance.demo import board
from app.insurance.demo.samples import SampleClaim
from app.stack.status import StackStatus
from tests.support.journey import Travel


def sample(end: str) -> SampleClaim:
    """A claim that the demo leaves in that state."""
    return SampleClaim(
        folder=Path("nowhere"),
        key="k",
        claim="CLM-1",
        scenario="clean",
        expected_findings=frozenset(cast(Any, {"SEEN"})),
        missing=(),
        demo_answer="leave",
        expected_end=end,
        why="because",
    )


def shown(found: list[board.Standing]) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(board.table(found, StackStatus(data_dir=Path("nowhere"))))
    return console.export_text()


@pytest.fixture
def asked(journey: Travel) -> UUID:
    """A run that waits for a person."""
    journey.enrol("ada", "adjuster")
    run_id = journey.begin("CLM-1-5ac4427d")
    journey.go()
    return run_id


def test_a_claim_is_named_as_it_is_found(journey: Travel, asked: UUID) -> None:
    state = journey.one("SELECT state FROM runs WHERE id = %s", asked)["state"]
    (found,) = board.standings(journey.rt, {asked: sample(state)})
    assert found.right
    assert "CLM-1-5ac4427d" in shown([found])


def test_a_claim_that_went_astray_by_itself_is_wrong(journey: Travel, asked: UUID) -> None:
    (found,) = board.standings(journey.rt, {asked: sample("COMPLETE")})
    assert not found.right
    assert "should be COMPLETE" in shown([found])


def test_a_claim_that_a_person_moved_on_is_not_wrong(journey: Travel, asked: UUID) -> None:
    state = journey.one("SELECT state FROM runs WHERE id = %s", asked)["state"]
    task = journey.one("SELECT id FROM human_tasks")["id"]
    complete(journey.rt, task, by="ada", outcome="approved", answer={"amount": "10.00"})
    (found,) = board.standings(journey.rt, {asked: sample(state)})
    assert found.right
    assert f"moved on by ada; the demo left it in {state}" in shown([found])


def test_a_claim_whose_alert_has_not_come_is_not_yet_right(journey: Travel, asked: UUID) -> None:
    state = journey.one("SELECT state FROM runs WHERE id = %s", asked)["state"]
    claim = replace(sample(state), expected_alerts=frozenset({"over_budget"}))
    (found,) = board.standings(journey.rt, {asked: claim})
    assert not found.right
    assert "no alert over_budget yet" in shown([found])
    journey.tamper(
        """INSERT INTO alerts (id, rule, subject, run_id, message, opened_at)
           VALUES (gen_random_uuid(), 'over_budget', %s, %s, 'too many', app_now())""",
        str(asked),
        asked,
    )
    (found,) = board.standings(journey.rt, {asked: claim})
    assert found.right
