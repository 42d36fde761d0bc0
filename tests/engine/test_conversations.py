"""What a model was given is kept once, shown whole, and gone when it is erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.agents.provider import Models
from app.core.declarations.prompts import Prompt
from app.core.workflow import Step, Workflow
from app.engine import start
from app.engine.control.purge import purge
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from app.store.runs import conversations
from app.store.runs.conversations import Seen
from tests.support.agents import ANSWER, LOOK, Case, Verdict
from tests.support.journey import Travel, travel
from tests.support.model_server import ModelServer

ROUNDS = 12
LONG = Prompt(
    name="long",
    version=1,
    instructions="Look many times.",
    output=Verdict,
    tools=(LOOK,),
    requests=ROUNDS + 1,
    tool_calls=ROUNDS,
    timeout_seconds=20,
)


def _long(step: Any, data: Case) -> str:
    # More than a row holds: kept by reference.
    data.outcome = step.ask(LONG, {"case": step.subject, "paper": "x" * 300_000}).outcome
    return "judged"


LOOKING = Workflow(
    name="looking",
    version=1,
    data=Case,
    starts_at="LOOKING",
    states=[Step("LOOKING", does=_long, then={"judged": "COMPLETE"})],
)


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelServer]:
    turns = [{"calls": [{"name": "registry_look", "with": {"number": str(n)}}]} for n in range(ROUNDS)]
    with ModelServer(tmp_path / "models", [{"turns": [*turns, ANSWER]}]) as server:
        yield server


@pytest.fixture
def looked(database_url: str, models: ModelServer) -> Iterator[tuple[Travel, UUID]]:
    provider = Models(Settings(provider="openai:scripted", openai_base_url=models.url), OFFLINE_RULES)
    tools = {LOOK.name: lambda key, params: {"number": params["number"]}}
    with travel(database_url, workflows=(LOOKING,), tools=tools, provider=provider) as journey:
        work = lambda db: start.start(db, LOOKING, subject="L-1", data=Case(), key=None, actor="test")  # noqa: E731
        run_id = journey.rt.database.transact(work).run_id
        journey.go()
        assert journey.run(run_id)["status"] == "COMPLETE", journey.run(run_id)
        yield journey, run_id


def _seen(journey: Travel, run_id: UUID, call_seq: int) -> Seen:
    found = journey.rt.database.transact(lambda db: conversations.seen_by_model(db, run_id, 1, call_seq))
    assert found is not None
    return found


def test_each_message_is_kept_once_however_many_requests_carried_it(looked: tuple[Travel, UUID]) -> None:
    journey, run_id = looked
    # Instructions and request, then an answer and a tool's result per round; the last answer is in the journal alone.
    assert journey.one("SELECT count(*) AS n FROM messages WHERE run_id = %s", run_id) == {"n": 2 + 2 * ROUNDS}
    sizes = journey.rows(
        "SELECT length(input::text) AS size FROM checkpoints WHERE run_id = %s AND kind = 'model' ORDER BY call_seq",
        run_id,
    )
    assert len(sizes) == ROUNDS + 1
    assert len({row["size"] for row in sizes}) == 1, "a request's row grows with its conversation"


def test_the_whole_prompt_of_any_request_can_be_shown(looked: tuple[Travel, UUID]) -> None:
    journey, run_id = looked
    first, last = _seen(journey, run_id, 1), _seen(journey, run_id, 2 * ROUNDS + 1)
    assert [message["role"] for message in first.messages] == ["system", "user"]
    assert first.messages[0]["text"] == "Look many times."
    assert [tool["name"] for tool in first.messages[0]["tools"]] == ["registry_look"]
    assert len(first.messages[1]["text"]) > 300_000
    assert [message["role"] for message in last.messages] == ["system", "user", *("model", "tool") * ROUNDS]
    assert last.messages[-2]["calls"][0]["with"] == {"number": "11"}
    assert json.loads(last.messages[-1]["text"]) == {"ref": f"t{ROUNDS}", "answer": {"number": "11"}}
    assert (last.prompt_version, last.model, last.status) == ("long/1", "scripted", "COMPLETE")
    assert last.tokens_in and last.tokens_in > 300_000 / 4


def test_erasing_a_run_erases_what_its_models_were_given(looked: tuple[Travel, UUID]) -> None:
    journey, run_id = looked
    assert journey.rows("SELECT 1 FROM blobs")
    purge(journey.rt.database, run_id, actor="person:noor", reason="asked to", forget_document=lambda _sha256: True)
    assert journey.rows("SELECT 1 FROM messages") == journey.rows("SELECT 1 FROM blobs") == []
    assert _seen(journey, run_id, 1).messages == []


def test_what_no_table_would_hold_is_kept_and_shown_as_it_was(database_url: str, models: ModelServer) -> None:
    models.say([{"turns": [{"text": "before\x00after \ue000"}, ANSWER]}])
    provider = Models(Settings(provider="openai:scripted", openai_base_url=models.url), OFFLINE_RULES)
    with travel(database_url, workflows=(LOOKING,), provider=provider) as journey:
        work = lambda db: start.start(db, LOOKING, subject="L-2", data=Case(), key=None, actor="test")  # noqa: E731
        run_id = journey.rt.database.transact(work).run_id
        journey.go()
        assert journey.run(run_id)["status"] == "COMPLETE"
        assert _seen(journey, run_id, 2).messages[2] == {"role": "model", "text": "before\x00after \ue000"}
