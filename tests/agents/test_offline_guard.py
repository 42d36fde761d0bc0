"""No text makes the extraction fail: not arbitrary ones, not real lines in another order, not a rule that breaks."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.documents.reader import read_document
from app.insurance.reading import readers as offline_readers
from app.insurance.reading.extraction import misquoted
from app.insurance.reading.rules.offline import OfflineProvider
from tests.agents.sample_documents import ALL, CLAIM_FORM, facts_of, request

LINES = [line for text in ALL.values() for line in text.splitlines()]
ODD = [
    "Description     Amount",
    "1. Hood: 2 h",
    "=",
    "١. Hood  ١٢.٥٠",
    "9" * 60,
    "Total  " + "9" * 40 + ".00",
    "No.  Qty  Total",
]
FOLDER = os.environ.get("LONGHAUL_REAL_DOCUMENTS")


def sound(*pages: str) -> None:
    """The pages are extracted from, every quote stands on its page, and no rule broke."""
    asked = request(*pages)
    facts = OfflineProvider().extract(asked).facts
    assert misquoted(facts, asked.pages) == []
    assert [note for note in facts.notes if "rule for it failed" in note] == []


@settings(deadline=None)
@given(st.lists(st.text(max_size=400), min_size=1, max_size=3))
def test_arbitrary_text(pages: list[str]) -> None:
    sound(*pages)


@settings(deadline=None)
@given(st.lists(st.sampled_from([*LINES, *ODD]), max_size=30))
def test_lines_in_any_order(lines: list[str]) -> None:
    sound("\n".join(lines))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*LINES, *ODD]), st.integers(0, 80), st.integers(0, 80)), max_size=20))
def test_lines_cut_anywhere(pieces: list[tuple[str, int, int]]) -> None:
    sound("\n".join(line[start:] + "   " + line[:end] for line, start, end in pieces))


@pytest.mark.skipif(not FOLDER, reason="LONGHAUL_REAL_DOCUMENTS names no folder of real documents")
@settings(deadline=None, max_examples=50)
@given(st.randoms(use_true_random=False))
def test_real_lines_in_any_order(chance: Random) -> None:
    sound("\n".join(chance.choices(real_lines(), k=60)))


def test_a_rule_that_breaks_costs_its_field_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, habits: object) -> None:
        raise KeyError(text, habits)

    monkeypatch.setitem(offline_readers.READERS, "vin", broken)
    facts = facts_of(CLAIM_FORM)
    assert "vin" not in facts.fields
    assert facts.fields["policy_number"].value == "NW-2031-00417"
    assert "vin: left out, the rule for it failed on this text (KeyError)." in facts.notes


def test_a_document_that_breaks_everything_is_still_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("app.insurance.reading.rules.offline.paper_of", broken)
    facts = facts_of(CLAIM_FORM)
    assert (facts.kind, facts.fields, facts.lines) == ("other", {}, [])
    assert facts.notes


_REAL: list[str] = []


def real_lines() -> list[str]:
    """The lines of up to 15 real documents, read once."""
    if not _REAL:
        papers = sorted(p for p in Path(FOLDER or "").rglob("*") if p.suffix in (".pdf", ".txt"))[:15]
        _REAL.extend(line for paper in papers for page in read_document(paper).pages for line in page.text.splitlines())
    return _REAL
