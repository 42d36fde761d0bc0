"""A document read by a model: what it says must stand there, and even then it changes nothing the rules read."""

from __future__ import annotations

from typing import Any

import pytest

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.values.pages import PageText
from app.insurance.reading.extraction import DocumentFacts
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from tests.support.model_server import ModelServer
from workflows.document_reading.reading import read_pages

TEXT = "POLICE REPORT\nReport number: PR-77\nDate of accident: 2026-03-04\nPlate: B-AB 123\nSeen near 4 Mill Lane on 2026-05-06\n"
PAGES = [PageText(number=1, text=TEXT)]
RULE = {"rule": "document_extraction"}
KIND = {"kind": "police_report", "kind_confidence": 0.9, "kind_quote": "POLICE REPORT"}


def _by_rules() -> DocumentFacts:
    facts, reader = read_pages(Alone(Models(Settings(provider="offline"), OFFLINE_RULES)), "d1", "report.pdf", PAGES)
    assert reader == "offline-rules/1" and len(facts.fields) >= 3 and not facts.doubts
    return facts


def _read(model_server: ModelServer, *turns: dict[str, Any], provider: str = "openai:scripted") -> DocumentFacts:
    model_server.say([{"turns": list(turns)}])
    alone = Alone(
        Models(
            Settings(provider=provider, openai_base_url=model_server.url, local_model_url=model_server.url),
            OFFLINE_RULES,
        )
    )
    facts, reader = read_pages(alone, "d1", "report.pdf", PAGES)
    assert reader != "offline-rules/1" and alone.answered[0].tokens_in
    return facts


def _fact(value: str, quote: str) -> dict[str, Any]:
    return {"value": value, "raw": value, "page": 1, "quote": quote, "confidence": 1.0}


def test_what_both_readers_say_is_confirmed(model_server: ModelServer) -> None:
    rules = _by_rules()
    assert _read(model_server, RULE) == rules.model_copy(update={"confirmed": sorted(rules.fields)})


def test_what_a_small_model_says_in_brief_is_held_to_the_same_rules(model_server: ModelServer) -> None:
    said = {"value": "2026-03-04", "page": 1, "quote": "Date of accident: 2026-03-04"}
    lie = {"value": "4", "page": 1, "quote": "Seen near 4 Mill Lane"}
    brief = {"kind": "police_report", "kind_quote": "POLICE REPORT", "fields": {"date_of_loss": said, "total": lie}}
    read = _read(model_server, {"answer": brief}, provider="local")
    assert read.fields == _by_rules().fields and read.confirmed == ["date_of_loss"]
    assert [doubt.field for doubt in read.doubts] == ["total"]


def test_a_fact_whose_quote_does_not_stand_in_the_document_is_refused_and_no_other(model_server: ModelServer) -> None:
    invented = {"total": _fact("999.00", "Total: 999.00"), "plate": _fact("B-AB 123", "Plate: B-AB 123")}
    read = _read(model_server, {"answer": {**KIND, "fields": invented}})
    assert read.confirmed == ["plate"] and read.doubts == [] and read.fields == _by_rules().fields
    assert any("total: refused" in note for note in read.notes)


def test_a_model_can_doubt_a_fact_but_neither_change_nor_remove_nor_make_one(model_server: ModelServer) -> None:
    lies = {
        "date_of_loss": _fact("2026-05-06", "Seen near 4 Mill Lane on 2026-05-06"),  # stands there, and is not the date
        "total": _fact("4", "Seen near 4 Mill Lane"),
    }
    read = _read(model_server, {"answer": {**KIND, "fields": lies}})
    assert read.fields == _by_rules().fields, "what it left out stays, what it says is no fact"
    doubts = {doubt.field: (doubt.by_rules, doubt.by_model) for doubt in read.doubts}
    assert doubts == {"date_of_loss": ("2026-03-04", "2026-05-06"), "total": (None, "4")}


def test_a_wrong_category_is_a_doubt(model_server: ModelServer) -> None:
    read = _read(model_server, {"answer": {**KIND, "kind": "repair_invoice"}})
    assert read.kind == "police_report" and [doubt.field for doubt in read.doubts] == ["kind"]


def test_a_model_may_add_a_suspicion(model_server: ModelServer) -> None:
    order = {"instructions": _fact("Seen near 4 Mill Lane", "Seen near 4 Mill Lane on 2026-05-06")}
    assert "instructions" in _read(model_server, {"answer": {**KIND, "fields": order}}).fields


@pytest.mark.parametrize("spoil", ["date", "kind"])
def test_the_server_can_spoil_an_answer_the_same_way_each_time(model_server: ModelServer, spoil: str) -> None:
    once, again = (_read(model_server, {**RULE, "spoil": spoil}) for _ in range(2))
    assert once == again != _read(model_server, RULE)
    assert once.fields == _by_rules().fields
