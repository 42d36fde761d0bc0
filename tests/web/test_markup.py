"""Every page is well-formed, accessible, and shows what strangers wrote as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from uuid import UUID

import pytest

from app.core.canonical import canonical
from app.core.ids import new_id
from app.engine.control.signals import signal
from app.engine.runtime import Runtime
from app.store.database import Database
from app.store.records.documents import insert
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "</textarea></pre></details><iframe src=javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "\u202egnihtyreve\u202c",
    "\x00\x1b[31m",
    "\ud800",
    "<base href=//evil.example><meta http-equiv=refresh content=0>",
]


@pytest.fixture
def hostile_run(desk: Desk, owner: Database, web: Runtime) -> UUID:
    """A run into whose every text somebody put something hostile."""
    words = " ".join(HOSTILE)
    run = desk.file(HOSTILE[1] + HOSTILE[2], words=words, customer=HOSTILE[0] + HOSTILE[4])
    signal(web, run, HOSTILE[0], {HOSTILE[1]: words}, signal_id=HOSTILE[2], actor=HOSTILE[3])
    with owner.transaction() as db:
        insert(
            db,
            new_id(),
            run,
            sha256="ab" * 32,
            filename=HOSTILE[1],
            media_type="text/html",
            size=1,
            by=HOSTILE[0],
        )
        db.execute(
            "INSERT INTO alerts (id, rule, subject, run_id, message, opened_at) VALUES (%s, %s, %s, %s, %s, app_now())",
            [new_id(), HOSTILE[0], HOSTILE[1], run, HOSTILE[2]],
        )
        db.execute("UPDATE runs SET waiting_reason = %s WHERE id = %s", [HOSTILE[0], run])
    return run


def test_whatever_strangers_wrote_is_text_on_every_page(ada: Visitor, owner: Database, hostile_run: UUID) -> None:
    task = task_of(owner, hostile_run)
    pages = {
        path: ada.get(path).text for path in ("/inbox", f"/tasks/{task}", "/runs", f"/runs/{hostile_run}", "/alerts")
    }
    pages["422"] = ada.answer(task, HOSTILE[0], comment=HOSTILE[3], payee=HOSTILE[2]).text
    pages["done"] = ada.answer(task, "pay", comment=HOSTILE[1]).text
    pages["409"] = ada.answer(task, "pay", comment=HOSTILE[0]).text
    pages["404"] = ada.get("/runs/" + HOSTILE[0].replace("/", "%2F")).text
    pages["filter"] = ada.http.get("/runs", params={"text": HOSTILE[2], "status": HOSTILE[1]}).text
    for path, html in pages.items():
        page = Page(html)
        assert page.problems == [], path
        if path not in ("404", "filter", "422", "409", "done"):
            assert HOSTILE[1] in page.text, path
    for hidden in ("\u202e", "\x00", "\x1b", "\ud800"):
        assert not [path for path, html in pages.items() if hidden in html and path != "422"]
    assert "\\u202egnihtyreve\\u202c" in pages[f"/tasks/{task}"], "what would reorder text is shown as its code"
    assert "{{ 7 * 7 }}" in pages[f"/tasks/{task}"]


def test_whatever_strangers_wrote_is_text_at_every_event_and_for_everybody(
    visitor: Callable[[str], Visitor], owner: Database, hostile_run: UUID
) -> None:
    long = "a" * 1_000_000
    with owner.transaction() as db:
        db.execute(
            """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, output, errors, created_at,
                   completed_at)
               VALUES (%s, 1, 9, 'READING', 'tool', %s, 'COMPLETE', %s::jsonb, %s::jsonb, %s::jsonb, app_now(), app_now())""",
            [
                hostile_run,
                HOSTILE[1],
                canonical(HOSTILE),
                json.dumps({"text": long}),
                json.dumps([{"error": HOSTILE[1], "attempt": 1, "output": json.dumps({HOSTILE[3]: HOSTILE[1]})}]),
            ],
        )
        db.execute(
            """INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at)
               VALUES (%s, %s, 1, 'READING', %s, %s, app_now())""",
            [new_id(), hostile_run, HOSTILE[1], HOSTILE[1]],
        )
        db.execute("UPDATE runs SET status = 'DEAD_LETTER' WHERE id = %s", [hostile_run])
    carl = visitor("carl.vintergard")
    run_page = carl.get(f"/runs/{hostile_run}").text
    events = sorted(set(re.findall(rf"/runs/{hostile_run}/events/[\w-]+", run_page)))
    assert len(events) > 5
    for path in (*events, "/", "/dead-letters", "/inbox?tab=all", f"/runs?text={hostile_run}"):
        html = carl.get(path).text
        assert Page(html).problems == [], path
        assert not [
            tag for tag in ("<script>alert", "<img src=x", "<svg onload", "<iframe", "<base ") if tag in html
        ], path
        assert not [hidden for hidden in ("\u202e", "\x00", "\x1b", "\ud800") if hidden in html], path
        assert len(html) < 400_000, f"{path} sends all of a long text"


def test_every_page_is_well_formed_and_accessible(
    desk: Desk, owner: Database, ada: Visitor, visitor: Callable[[str], Visitor]
) -> None:
    empty = [ada.get(path).text for path in ("/", "/inbox", "/runs", "/alerts", "/sign-in", "/nowhere")]
    run = desk.file("CMP-1")
    task = task_of(owner, run)
    full = [
        ada.get(path).text
        for path in ("/", "/inbox", "/runs?text=CMP", "/runs?text=none", f"/runs/{run}", f"/tasks/{task}")
    ]
    others = visitor("carl.vintergard")
    full += [others.get("/inbox").text, others.get(f"/tasks/{task}").text, others.answer(task, "pay").text]
    full += [
        ada.post(f"/tasks/{task}/claim").text,
        ada.answer(task, "", row_version=2).text,
        ada.answer(task, "pay", row_version=2).text,
    ]
    for html in [*empty, *full]:
        page = Page(html)
        assert page.problems == []
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}
        assert {"id": "main", "tabindex": "-1"} in page.all("main")
