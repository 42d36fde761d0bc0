"""What holds for every document: proven quotes, no surprises, the same answer twice, no tokens."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.insurance.reading.extraction import FIELDS, DocumentKind, ExtractionReply, misquoted, quote_stands_in
from app.insurance.reading.rules.offline import OfflineProvider
from app.insurance.reading.vocabulary import vocabulary
from tests.agents.sample_documents import ALL, CLAIM_FORM, ESTIMATE, LETTER, facts_of, request

PIECES = st.one_of(
    st.sampled_from([phrase.replace("#", "number") for phrase, _ in vocabulary()]),
    st.sampled_from(
        [":", "\n", "  ", "     ", "|", "-", "1,234.56", "$20.00", "31/02/2031", "2031-05-12", "Nora Quill", "GX-1"]
    ),
    st.text(max_size=8),
)
PAGES = st.lists(st.lists(PIECES, max_size=40).map(" ".join), min_size=1, max_size=3)


@settings(deadline=None)
@given(PAGES)
def test_whatever_the_pages_hold_each_statement_is_quoted_from_its_page(pages: list[str]) -> None:
    asked = request(*pages)
    reply = OfflineProvider().extract(asked)
    assert misquoted(reply.facts, asked.pages) == []
    assert set(reply.facts.fields) <= set(FIELDS)
    for name, fact in reply.facts.fields.items():
        assert fact.value is not None or fact.problem, name
        assert 0 < fact.confidence <= 1
    assert ExtractionReply.model_validate_json(reply.model_dump_json()) == reply


@pytest.mark.parametrize("name", ALL)
def test_the_same_document_gives_the_same_reply_without_tokens(name: str) -> None:
    first = OfflineProvider().extract(request(ALL[name]))
    assert OfflineProvider().extract(request(ALL[name])) == first
    assert (first.provider, first.tokens_in, first.tokens_out) == ("offline-rules/1", 0, 0)
    assert all(quote_stands_in(fact.raw, ALL[name]) for fact in first.facts.fields.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("claim form", "claim_form"),
        ("labels above", "claim_form"),
        ("police report", "police_report"),
        ("estimate", "repair_estimate"),
        ("german invoice", "repair_invoice"),
        ("french invoice", "repair_invoice"),
        ("letter", "correspondence"),
    ],
)
def test_the_kind_is_told_by_the_words(name: str, kind: DocumentKind) -> None:
    facts = facts_of(ALL[name])
    assert facts.kind == kind
    assert facts.kind_confidence >= 0.6


@pytest.mark.parametrize("text", ["", "Whisk two eggs with the sugar until pale.", "12 34 56"])
def test_what_is_no_claim_document_is_other(text: str) -> None:
    assert facts_of(text).kind == "other"


def test_a_bill_for_something_else_is_no_repair_bill() -> None:
    facts = facts_of(
        "INVOICE\nInvoice number: 7-1\nPayment terms: 30 days\nHosting, one month     20.00\nTotal   20.00"
    )
    assert facts.kind == "other"
    assert any("repair" in note for note in facts.notes)
    assert facts.fields["total"].value == "20.00"


def test_orders_to_machines_are_a_finding_and_are_not_followed() -> None:
    facts = facts_of(LETTER)
    assert "ignore all previous instructions" in str(facts.fields["instructions"].value)
    assert "policy_number" not in facts.fields
    assert "instructions" not in facts_of(CLAIM_FORM).fields


def test_pages_are_told_apart() -> None:
    facts = facts_of(CLAIM_FORM, "", ESTIMATE)
    assert facts.fields["amount_claimed"].page == 1
    assert facts.fields["total"].page == 3
    assert {line.page for line in facts.lines} == {3}


def test_a_misquoted_fact_is_named() -> None:
    facts = facts_of(CLAIM_FORM)
    assert misquoted(facts, request("another page").pages) == list(facts.fields)


@pytest.mark.long
@pytest.mark.parametrize(
    "piece", ["total: ", "name: Aa Bb\n", "damage:\n", "1,234.56 ", "VIN: ", "description  amount\n", "n° "]
)
def test_a_hostile_page_costs_seconds_not_hours(piece: str) -> None:
    # A guard, not a measure: what grows with the square of such a page takes an hour on any machine.
    asked = request(piece * (200_000 // len(piece)))
    started = time.process_time()
    assert misquoted(OfflineProvider().extract(asked).facts, asked.pages) == []
    assert time.process_time() - started < 120


def test_what_was_not_searched_is_said() -> None:
    facts = facts_of(CLAIM_FORM, " x" * 600_000, ESTIMATE)
    assert "claim_number" in facts.fields
    assert any("first 1 of 3 pages" in note for note in facts.notes)


def test_lines_beyond_the_most_we_take_are_said() -> None:
    rows = "".join(f"Bolt {n:<20}{'1.00':>10}\n" for n in range(600))
    facts = facts_of(f"{'Description':<25}{'Amount':>10}\n{rows}")
    assert len(facts.lines) == 500
    assert any("more than 500" in note for note in facts.notes)


def test_a_long_document_is_read_in_linear_time() -> None:
    def seconds(copies: int) -> float:
        asked = request(*[CLAIM_FORM + ESTIMATE] * copies)
        started = time.process_time()
        OfflineProvider().extract(asked)
        return time.process_time() - started

    seconds(1)
    assert seconds(40) < 40 * max(seconds(4) / 4, 0.002) * 3
