"""Documents that others wrote. Set LONGHAUL_REAL_DOCUMENTS to a folder of them; nothing of it lies in this repository.

Beside `name.pdf` or `name.txt` a `name.json` may state what is expected: a list whose first entry has `amount` (the
total) and perhaps `amount_untaxed` and `currency`.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.documents.reader import ReadResult, read_document
from app.insurance.reading.extraction import DocumentFacts, ExtractionRequest, misquoted
from app.insurance.reading.rules.offline import OfflineProvider

FOLDER = os.environ.get("LONGHAUL_REAL_DOCUMENTS")
if not FOLDER:
    pytest.skip("LONGHAUL_REAL_DOCUMENTS names no folder of real documents", allow_module_level=True)
DOCUMENTS = sorted(p for p in Path(FOLDER).rglob("*") if p.is_file() and p.suffix not in (".json", ".md"))


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def extracted(document: Path) -> tuple[ReadResult, DocumentFacts]:
    read = read_document(document)
    asked = ExtractionRequest(document_id="d", filename=document.name, pages=read.pages)
    return read, OfflineProvider().extract(asked).facts


def expected_of(document: Path) -> dict[str, Any]:
    truth = document.with_suffix(".json")
    if not truth.exists():
        return {}
    told = json.loads(truth.read_text())
    first = told[0] if isinstance(told, list) else told
    return first if isinstance(first, dict) else {}


def test_each_is_read_or_unreadable_with_a_reason(document: Path) -> None:
    read, facts = extracted(document)
    assert (read.status == "read") == (read.reason is None)
    assert misquoted(facts, read.pages) == []


@pytest.mark.parametrize(("stated", "field"), [("amount", "total"), ("amount_untaxed", "subtotal")])
def test_sums_are_right_or_left_out(document: Path, stated: str, field: str) -> None:
    expected = expected_of(document).get(stated)
    fact = extracted(document)[1].fields.get(field)
    if expected is not None and fact is not None:
        assert Decimal(str(fact.value)) == Decimal(str(expected))


def test_the_currency_is_right_or_left_out(document: Path) -> None:
    expected = expected_of(document).get("currency")
    fact = extracted(document)[1].fields.get("currency")
    if expected is not None and fact is not None and fact.problem is None:
        assert fact.value == expected


def test_rules_that_abstain_from_everything_would_be_useless() -> None:
    """Of the documents whose total is known, most are read, not left out."""
    assert DOCUMENTS, f"{FOLDER} holds no documents"
    known = [document for document in DOCUMENTS if expected_of(document).get("amount") is not None]
    read = [document for document in known if "total" in extracted(document)[1].fields]
    assert not known or len(read) * 2 > len(known)
