"""A question that no model answered goes to the model that is named by now; one that was answered stays with its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from app.agents.provider import Models
from app.engine import start
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from app.store.records.verify import verify
from tests.support.agents import ANSWERING, SCRIPT, Case
from tests.support.journey import Travel, travel
from tests.support.model_server import ModelServer

GONE = Settings(provider="openai:gone", openai_base_url="http://127.0.0.1:9/v1")


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path / "models", SCRIPT) as server:
        yield server


@pytest.fixture
def unanswered(database_url: str) -> Iterator[tuple[Travel, UUID]]:
    with travel(database_url, workflows=(ANSWERING,), provider=Models(GONE, OFFLINE_RULES)) as journey:
        work = lambda db: start.start(db, ANSWERING, subject="R-1", data=Case(), key=None, actor="test")  # noqa: E731
        run_id = journey.rt.database.transact(work).run_id
        journey.go()
        assert journey.run(run_id)["status"] == "WAITING_FOR_TIMER", "the server is not there"
        yield journey, run_id


@pytest.mark.parametrize("left", ["FAILED", "INTENT"], ids=["refused", "killed while it asked"])
def test_a_question_nobody_answered_goes_to_the_model_that_is_named_now(
    unanswered: tuple[Travel, UUID], models: ModelServer, left: str
) -> None:
    journey, run_id = unanswered
    journey.tamper("UPDATE checkpoints SET status = %s WHERE kind = 'model' AND run_id = %s", left, run_id)
    journey.rt.provider = Models(Settings(provider="openai:here", openai_base_url=models.url), OFFLINE_RULES)
    journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    journey.go()
    assert journey.run(run_id)["status"] == "COMPLETE", journey.run(run_id)
    call = journey.one("SELECT * FROM checkpoints WHERE kind = 'model' AND run_id = %s", run_id)
    assert (call["model"], call["input"]["provider"], call["status"]) == ("here", "openai:here", "COMPLETE")
    assert "asked of openai:gone and never answered; now asked of openai:here" in str(call["errors"])
    assert len(models.rows("SELECT 1 FROM requests")) == 1
    verdict = journey.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken


def test_another_question_at_its_place_is_still_divergence(
    unanswered: tuple[Travel, UUID], models: ModelServer
) -> None:
    journey, run_id = unanswered
    journey.tamper(
        "UPDATE checkpoints SET input = jsonb_set(input, '{asked}', '\"another\"') WHERE kind = 'model' AND run_id = %s",
        run_id,
    )
    journey.rt.provider = Models(Settings(provider="openai:here", openai_base_url=models.url), OFFLINE_RULES)
    journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    journey.go()
    assert journey.run(run_id)["status"] == "DEAD_LETTER"
    assert not models.rows("SELECT 1 FROM requests")
