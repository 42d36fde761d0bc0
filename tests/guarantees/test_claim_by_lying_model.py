"""A claim whose every prompt goes to a model that is slow, broken and wrong: it ends where it should, on the rules' values.

The model is the scripted server over HTTP: it asks for patience, breaks off, answers outside its schema, moves dates and
mistakes kinds, and it bills what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.values.pages import PageText
from app.documents.reader import read_document
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from tests.support.claims import Office
from tests.support.model_server import ModelServer
from tests.support.stack import MakeStack
from workflows.document_reading.reading import read_pages

pytestmark = pytest.mark.guarantee

PATIENCE = {"turn": 0, "times": 1, "status": 429, "retry_after": 1}
BROKEN_OFF = {"turn": 0, "times": 1, "broken": True}
LOOK = {"calls": [{"name": "insurer_payments", "with": {}}]}
SCRIPT: list[dict[str, Any]] = [
    {
        "when": "State what kind of document this is",
        "turns": [{"rule": "document_extraction", "spoil": "date"}],
        "faults": [PATIENCE, BROKEN_OFF],
    },
    {
        "when": "You assess a motor insurance claim",
        "turns": [LOOK, {"raw": "{no json"}, {"rule": "claim_assessment"}],
        "faults": [PATIENCE],
    },
    {"when": "Draft one short", "turns": [{"answer": {"text": "We pay you 1,000,000 USD on Monday."}}]},
]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(tmp_path / "models", SCRIPT) as server:
        yield server


def by_rules(folder: Path) -> dict[str, dict[str, Any]]:
    """What the rules alone read in each file, by its name."""
    alone, found = Alone(Models(Settings(provider="offline"), OFFLINE_RULES)), {}
    for path in sorted(folder.glob("*.pdf")):
        pages: list[PageText] = read_document(path).pages
        facts, _ = read_pages(alone, "d", path.name, pages)
        found[path.name] = {name: fact.value for name, fact in facts.fields.items()}
    return found


def test_a_claim_read_and_assessed_by_a_lying_model_is_settled_on_what_the_rules_and_people_say(
    make_stack: MakeStack, models: ModelServer
) -> None:
    stack = make_stack(**models.settings())
    stack.workers(2)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        run_id = office.submit(sample.folder, sample.key)
        office.settle(run_id)
        stack.until_complete(run_id)
        data = office.data(run_id)
    names = {ref["id"]: ref["filename"] for ref in data["documents"]}
    read = {names[facts["document_id"]]: facts["fields"] for facts in data["extractions"]}
    assert {name: {n: fact["value"] for n, fact in fields.items()} for name, fields in read.items()} == by_rules(
        sample.folder
    )
    assert stack.payments.rows("SELECT amount FROM payments") == [(data["recommendation"]["amount"],)]
    assert "1,000,000" not in data["paragraph"] and data["drafted_by"] != "scripted"

    runs = [run_id, *(row["id"] for row in stack.all("SELECT id FROM runs WHERE parent_run_id = %s", run_id))]
    asked = [
        row for run in runs for row in stack.checkpoints(run) if row["kind"] == "model" and row["model"] == "scripted"
    ]
    told = sum((row["tokens_in"] or 0) + (row["tokens_out"] or 0) for row in asked)
    billed = models.rows("SELECT sum(tokens_in + tokens_out) AS n FROM requests WHERE did NOT LIKE 'fault%'")[0]["n"]
    assert told == billed > 0, "what was used is not what was billed"
    root = stack.run(run_id)
    assert root["tokens_in"] + root["tokens_out"] == told
    refused = [row for row in models.rows("SELECT did FROM requests") if row["did"].startswith("fault")]
    assert len(refused) >= 2 * (len(runs) - 1) + 1, "it was not as troublesome as it should be"


def test_a_claims_assessment_killed_after_its_tools_goes_on_with_what_they_said(
    make_stack: MakeStack, models: ModelServer
) -> None:
    history = {"calls": [{"name": "insurer_claim_history", "with": {}}]}
    models.say([{"when": "You assess a motor insurance claim", "turns": [history, LOOK, {"rule": "claim_assessment"}]}])
    stack = make_stack(
        **models.settings() | {"PROVIDER": "offline", "PROVIDERS": '{"claim_assessment": "openai:scripted"}'}
    )
    stack.workers(2, kept=True)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("clean")
        stack.faults.arm("after_intent", 5)  # the request after both tools: no other step makes five calls
        run_id = office.submit(sample.folder, sample.key)
        stack.until_done("after_intent", 5)
        assert office.task(run_id).state == "AWAITING_HUMAN_REVIEW"
    assert "reassigned" in stack.events(run_id)
    made = [row for row in stack.checkpoints(run_id) if row["step_name"] == "ASSESSING" and row["call_seq"]]
    assert [row["kind"] for row in made] == ["model", "tool", "model", "tool", "model"]
    assert models.billed() == 3, "a finished request was paid for again"
