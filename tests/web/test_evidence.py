"""The pages of documents beside a task: drawn by us, of this run alone, with the words that were read marked on them."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.documents.page_images import PageImages
from app.documents.reader import WordPlace
from app.engine.runtime import Runtime
from app.store.database import Database
from app.store.records import documents
from app.store.records import documents as listed
from app.web.human_tasks.marks import documents_with_marks
from tests.documents.pdfs import pdf_of, scan_of
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page

TOTAL = "Total to pay: 1,240.00 EUR"
INVOICE = pdf_of("Invoice 77-B of Wheelwright & Sons", TOTAL, "Payable within two weeks")


def fact(value: str | None, quote: str, **more: Any) -> dict[str, Any]:
    return {
        "value": value,
        "raw": value or quote,
        "page": 1,
        "quote": quote,
        "confidence": 0.9,
        "problem": None,
        **more,
    }


@pytest.fixture
def run(desk: Desk, web: Runtime, owner: Database) -> UUID:
    """A complaint with an invoice and a scan, which its run has read."""
    run = desk.file("CMP-1")
    kept = [
        web.documents.put(INVOICE, "invoice <1>.pdf"),
        web.documents.put(scan_of(INVOICE), "scan.pdf"),
    ]
    refs = [
        {"id": f"d{n}", "sha256": s.sha256, "filename": s.filename, "pages": 1, "kind": "repair_invoice"}
        for n, s in enumerate(kept, 1)
    ]
    read = [
        {
            "document_id": "d1",
            "fields": {"total": fact("1240.00", TOTAL), "vin": fact("V", "not on the page")},
            "lines": [{"description": "Spokes", "amount": "12.00", "page": 1, "quote": "Payable within two weeks"}],
            "doubts": [
                {
                    "field": "payee",
                    "by_model": "Wheelwright",
                    "by_rules": None,
                    "page": 1,
                    "quote": "Wheelwright & Sons",
                }
            ],
        },
        {"document_id": "d2", "fields": {"invoice_number": fact("77-B", "Invoice 77-B")}},
    ]
    with owner.transaction() as db:
        for each in kept:
            listed.insert(db, new_id(), run, **each.model_dump(), by="claimant")
        db.execute(
            "UPDATE run_data SET data = data || %s::jsonb WHERE run_id = %s",
            [json.dumps({"documents": refs, "extractions": read}), run],
        )
        evidence = [
            {
                "code": "TOTAL",
                "summary": "It may not add up",
                "evidence": [{"document": "d1", "filename": "invoice", "page": 1, "quote": TOTAL}],
            }
        ]
        db.execute("UPDATE human_tasks SET evidence = %s::jsonb WHERE run_id = %s", [json.dumps(evidence), run])
    return run


@pytest.fixture
def task(owner: Database, run: UUID) -> UUID:
    return task_of(owner, run)


def shas(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"document=([0-9a-f]{64})", page)))


def test_the_words_that_were_read_are_marked_on_the_page(ada: Visitor, task: UUID) -> None:
    html = ada.get(f"/tasks/{task}").text
    page = Page(html)
    assert page.problems == []
    boxes = [rect for rect in page.all("rect") if (rect.get("class") or "").startswith("mark")]
    assert {(box["class"] or "").split()[1] for box in boxes} == {"finding", "fact", "doubt"}
    assert [box["class"] for box in boxes][-1] == "mark finding chosen", "the finding is what is looked at first"
    (image,) = page.all("image")
    width, height = float(image["width"] or 0), float(image["height"] or 0)
    for box in boxes:
        assert 0 <= float(box["x"] or -1) < width
        assert 0 < float(box["height"] or 0) < height / 10
    assert "Total: 1240.00" in page.text
    assert "Not found on the drawing" in page.text
    assert "not on the page" in page.text
    picture = ada.get(image["href"] or "")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert "default-src 'none'" in picture.headers["content-security-policy"]


def test_pages_and_marks_are_chosen_by_links(ada: Visitor, task: UUID) -> None:
    page = Page(ada.get(f"/tasks/{task}").text)
    for link in [a["href"] or "" for a in page.all("a") if "data-swap" in a]:
        shown = ada.get(link.split("#")[0])
        assert shown.status_code == 200, link
        assert Page(shown.text).problems == [], link
    line = next(a["href"] or "" for a in page.all("a") if a.get("title") == "Payable within two weeks")
    assert "mark line chosen" in ada.get(line.split("#")[0]).text
    invoice, _ = shas(ada.get(f"/tasks/{task}").text)
    beyond = ada.get(f"/tasks/{task}?document={invoice}&page=2")
    assert beyond.status_code == 200
    assert "none is number 2" in beyond.text
    for wrong in (
        "document=" + "0" * 64,
        f"document={invoice}&page=0",
        f"document={invoice}&page=x",
        f"document={invoice}&page=1&mark=-1",
    ):
        assert ada.get(f"/tasks/{task}?{wrong}").status_code in (200, 400, 404)
        assert ada.get(f"/tasks/{task}?{wrong}").text.count("<h1") == 1


def test_a_scan_is_marked_where_ocr_found_its_words(ada: Visitor, web: Runtime, task: UUID) -> None:
    _, scan = shas(ada.get(f"/tasks/{task}").text)
    before = ada.get(f"/tasks/{task}?document={scan}").text
    assert "mark fact" not in before
    assert "Not found on the drawing" in before
    words = [
        WordPlace(text="Invoice", left=0.1, top=0.1, right=0.2, bottom=0.12),
        WordPlace(text="77-B", left=0.21, top=0.1, right=0.3, bottom=0.12),
    ]
    PageImages(web.documents).keep_words(scan, 1, words)
    after = ada.get(f"/tasks/{task}?document={scan}").text
    assert after.count("mark fact") == 1
    assert "77-B" in after


def test_a_page_is_only_shown_of_the_runs_own_documents(
    desk: Desk, ada: Visitor, web: Runtime, run: UUID, task: UUID
) -> None:
    invoice, _ = shas(ada.get(f"/tasks/{task}").text)
    other = desk.file("CMP-2")
    assert ada.get(f"/runs/{run}/documents/{invoice}/pages/1.png").status_code == 200
    assert ada.get(f"/runs/{other}/documents/{invoice}/pages/1.png").status_code == 404
    assert ada.get(f"/runs/{run}/documents/{'0' * 64}/pages/1.png").status_code == 404
    for number in ("0", "2", "99999999"):
        assert ada.get(f"/runs/{run}/documents/{invoice}/pages/{number}.png").status_code == 404
    assert ada.get(f"/runs/{run}/documents/{invoice}/pages/x.png").status_code in (404, 422)


def test_what_cannot_be_drawn_says_why_and_can_be_saved(
    ada: Visitor, web: Runtime, owner: Database, run: UUID, task: UUID
) -> None:
    text = web.documents.put(b"plain words", "note.txt")
    with owner.transaction() as db:
        listed.insert(db, new_id(), run, **text.model_dump(), by="claimant")
    page = ada.get(f"/tasks/{task}?document={text.sha256}").text
    assert "has no pages that can be shown" in page
    assert f"/runs/{run}/documents/{text.sha256}" in page
    web.documents.erase(text.sha256)
    assert "has been erased" in ada.get(f"/tasks/{task}?document={text.sha256}").text


def test_odd_data_makes_no_marks() -> None:
    row = [documents.Document(sha256="a" * 64, filename="x")]
    refs = [{"id": "d", "sha256": "a" * 64}]
    facts = {"document_id": "d", "fields": {"x": 3, "y": {"page": "1", "quote": "q"}}, "lines": "no"}
    odd: list[Any] = [
        None,
        7,
        [],
        {"documents": 3},
        {"documents": [{"id": 1, "sha256": "a" * 64}]},
        {"documents": refs, "extractions": [facts]},
    ]
    evidence = ["text", {"evidence": "none"}, {"document": "d", "page": 0, "quote": "q"}]
    for data in odd:
        (document,) = documents_with_marks(row, data, evidence)
        assert document.marks == []
