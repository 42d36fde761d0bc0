"""The extraction prompt asked of a model: what it says must stand in the document, or it is told so, then a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.agents.offline_rules import OFFLINE_RULES
from app.agents.provider import Models
from app.core.errors import NeedsPerson
from app.core.extraction import DocumentFacts
from app.settings import Settings
from tests.support.askings import MemoryAsking
from tests.support.model_server import ModelServer
from workflows.document_reading.workflow import EXTRACTION

TEXT = "POLICE REPORT\nReport number: PR-77\nDate of accident: 2026-03-04\nPlate: B-AB 123\n"
REQUEST: dict[str, Any] = {"document_id": "d1", "filename": "report.pdf", "pages": [{"number": 1, "text": TEXT}]}
RULE = {"rule": "document_extraction"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    running = ModelServer(tmp_path_factory.mktemp("models")).start()
    yield running
    running.stop()


def _extracted(server: ModelServer, *turns: dict[str, Any], provider: str = "openai:scripted") -> DocumentFacts:
    server.say([{"turns": list(turns)}])
    config = Settings(provider=provider, openai_base_url=server.url, local_model_url=server.url)
    return Models(config).ask(EXTRACTION, REQUEST, MemoryAsking(), {})[0]


@pytest.mark.parametrize("provider", ["openai:scripted", "local"])
def test_a_models_facts_are_those_it_stated(server: ModelServer, provider: str) -> None:
    stated = OFFLINE_RULES["document_extraction"](REQUEST)
    assert isinstance(stated, DocumentFacts) and len(stated.fields) >= 3
    assert _extracted(server, RULE, provider=provider) == stated


def test_a_fact_whose_quote_does_not_stand_in_the_document_is_never_believed(server: ModelServer) -> None:
    made_up = {"value": "999.00", "raw": "999.00", "page": 1, "quote": "Total: 999.00", "confidence": 0.9}
    invented = {
        "answer": {"document_id": "d1", "kind": "police_report", "kind_confidence": 0.9, "fields": {"total": made_up}}
    }
    assert "total" not in _extracted(server, invented, RULE).fields
    with pytest.raises(NeedsPerson, match="total: its quote does not stand"):
        _extracted(server, invented)


def test_the_server_can_spoil_a_date_and_a_category_the_same_way_each_time(server: ModelServer) -> None:
    true = _extracted(server, RULE)
    dates = [_extracted(server, {**RULE, "spoil": "date"}) for _ in range(2)]
    assert dates[0] == dates[1] != true
    assert dates[0].fields["date_of_loss"].value != true.fields["date_of_loss"].value
    assert _extracted(server, {**RULE, "spoil": "kind"}).kind != true.kind
