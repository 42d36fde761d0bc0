"""A model is given the run summary and the last step of a claim, and nothing else; what it saw can be shown and rebuilt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.core.canonical import canonical
from app.core.declarations.summary import CAP, LAST_STEP_CAP
from app.store.database import Connection
from app.store.reads import history
from app.store.records.verify import verify
from app.store.runs import conversations
from app.store.runs.conversations import Seen
from tests.support.claims import Office
from tests.support.model_server import ModelServer
from tests.support.stack import MakeStack, Row
from workflows.insurance_claim.assessing.assess import request_of
from workflows.insurance_claim.assessing.prompts import PROMPTS
from workflows.insurance_claim.models import ClaimFile2

pytestmark = pytest.mark.guarantee

LOOK = {
    "calls": [{"name": "insurer_payments", "with": {}}, {"name": "insurer_wording", "with": {"coverage": "COLLISION"}}]
}
SCRIPT: list[dict[str, Any]] = [
    {"when": "State what kind of document this is", "turns": [{"rule": "document_extraction"}]},
    {"when": "You assess a motor insurance claim", "turns": [LOOK, {"rule": "claim_assessment"}]},
    {"when": "Draft one short", "turns": [{"answer": {"text": "Thank you for your patience."}}]},
]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path / "models", SCRIPT) as server:
        yield server


def place(row: Row) -> tuple[int, int]:
    """Where in its run a call stands."""
    return row["step_seq"], row["call_seq"]


def _seen(run_id: UUID, step_seq: int, call_seq: int, db: Connection) -> Seen:
    seen = conversations.seen_by_model(db, run_id, step_seq, call_seq)
    assert seen is not None
    return seen


def test_a_model_is_given_the_run_summary_and_the_last_step_and_nothing_else(
    make_stack: MakeStack, models: ModelServer
) -> None:
    stack = make_stack(**models.settings())
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        run_id = office.settled()
        data = office.data(run_id)
        journal = stack.checkpoints(run_id)
        asked = [row for row in journal if row["kind"] == "model"]
        shown = {place(row): office.rt.database.transact(partial(_seen, run_id, *place(row))) for row in asked}
        entered = next(row for row in journal if row["step_name"] == "ASSESSING" and row["call_seq"] == 0)
        stood = office.rt.database.transact(lambda db: history.stood_at(db, run_id, entered["created_at"]))
    assert data["recommendation"]["provider"].startswith("scripted") and data["recommendation"]["outcome"] == "settle"
    assert data["extractions"] and all(facts["confirmed"] and not facts["doubts"] for facts in data["extractions"])

    assert {row["prompt_version"] for row in asked} == {prompt.id for prompt in PROMPTS}
    assert (data["paragraph"], data["drafted_by"]) == ("Thank you for your patience.", "scripted")
    assessing = [row for row in asked if row["prompt_version"].startswith("claim_assessment/")]
    assert len(assessing) == 2 and all(row["tokens_in"] for row in assessing)
    for row in asked:
        seen = shown[place(row)]
        told = [message for message in seen.messages if message["role"] == "user"]
        assert len(told) == 1
        request = json.loads(told[0]["text"])
        assert set(request) == {"summary", "last_step"}, "nothing else"
        assert len(canonical(request["summary"])) <= CAP and len(canonical(request["last_step"])) <= LAST_STEP_CAP
        others = {message["role"] for message in seen.messages[2:]}
        assert others <= {"model", "tool"}, "beside its own loop"
    seen = shown[place(assessing[-1])]
    assert stood is not None
    assert seen.messages[1]["text"] == canonical(request_of(ClaimFile2.model_validate(stood.data))), (
        "rebuilt from the journal"
    )
    tools = [m for m in seen.messages if m["role"] == "tool"]
    assert len(tools) == 2


def test_a_model_that_declines_everything_holds_up_no_claim(make_stack: MakeStack, models: ModelServer) -> None:
    models.say(
        [
            {"when": "State what kind", "turns": [{"rule": "document_extraction"}]},
            {"turns": [{"refusal": "I would rather not."}]},
        ]
    )
    stack = make_stack(**models.settings())
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        run_id = office.submit(sample.folder, sample.key)
        assert "I would rather not" in office.task(run_id).note
        office.settle(run_id)
        stack.until_complete(run_id)
        data = office.data(run_id)
        verdict = office.rt.database.transact(lambda db: verify(db, run_id))
    assert verdict.holds, verdict.broken
    assert data["recommendation"]["outcome"] == "abstain" and data["drafted_by"] == "template" and data["paragraph"]
