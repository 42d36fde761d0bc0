"""Runs: found, listed, and shown with everything that happened to them."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.core.canonical import canonical
from app.core.ids import new_id, task_id
from app.store.database import Database
from app.store.runs import payloads
from app.web.runs import run_list, run_page
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page


def listed(page: str) -> list[str]:
    """The subjects of a list, in order."""
    table = page.rsplit("<tbody>", maxsplit=1)[-1] if "<tbody>" in page else ""
    return [part.split("</bdi>")[0] for part in table.split("<bdi>")[1:]]


def test_runs_are_listed_newest_first_and_narrowed(desk: Desk, owner: Database, ada: Visitor) -> None:
    first, *_ = [desk.file(f"CMP-{n}") for n in range(3)]
    ada.answer(task_of(owner, first), "pay")
    desk.work()
    assert listed(ada.get("/runs").text) == ["CMP-2", "CMP-1", "CMP-0"]
    assert listed(ada.get("/runs?status=COMPLETE").text) == ["CMP-0"]
    assert listed(ada.get("/runs?status=WAITING_FOR_HUMAN&workflow=complaint").text) == ["CMP-2", "CMP-1"]
    assert listed(ada.get("/runs?workflow=other").text) == []
    assert listed(ada.get("/runs?text=CMP-1").text) == ["CMP-1"]
    assert listed(ada.get("/runs?text=CMP").text) == ["CMP-2", "CMP-1", "CMP-0"]
    assert listed(ada.get(f"/runs?text={first}").text) == ["CMP-0"]
    assert "CMP-0" in listed(ada.get(f"/runs?text={str(first)[:8]}").text)
    assert listed(ada.get("/runs?text=%25").text) == []
    assert listed(ada.get("/runs?status='; DROP TABLE runs").text) == []
    assert '<option value="complaint"' in ada.get("/runs").text


def test_the_list_goes_on_where_it_stopped(desk: Desk, ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "_LISTED", 2)
    for n in range(5):
        desk.file(f"CMP-{n}")
    seen, path = list[str](), "/runs?status=WAITING_FOR_HUMAN"
    while path:
        page = ada.get(path).text
        seen += listed(page)
        path = next((a["href"] or "" for a in Page(page).all("a") if "before=" in (a["href"] or "")), "")
    assert seen == ["CMP-4", "CMP-3", "CMP-2", "CMP-1", "CMP-0"]
    assert ada.get("/runs?before=nonsense").status_code == 400


def test_a_run_is_found_by_whatever_one_has_of_it(desk: Desk, ada: Visitor) -> None:
    run = desk.file("Depot/7.b #2")
    desk.file("CMP-9")
    for name in (str(run), str(run)[:35], "Depot/7.b%20%232", task_id(run, "READING", 1)):
        assert ada.get(f"/runs/{name}").url.path == f"/runs/{run}", name
    several = ada.get(f"/runs/{str(run)[:6]}")
    assert several.url.path == "/runs"
    assert set(listed(several.text)) == {"Depot/7.b #2", "CMP-9"}
    assert ada.get("/runs/nothing-of-that-name").status_code == 404


def test_the_page_shows_every_entry_of_the_trace(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    ada.post(f"/tasks/{task_of(owner, run)}/claim")
    ada.answer(task_of(owner, run), "pay", row_version=2)
    desk.work()
    with owner.transaction() as db:
        trace = db.execute("SELECT * FROM trace WHERE run_id = %s", [run]).fetchall()
    page = Page(ada.get(f"/runs/{run}").text)
    rows = [given for tag, given in page.tags if tag == "tr" and (given.get("class") or "").startswith("kind-")]
    assert page.problems == []
    assert len(rows) == len(trace) > 15
    assert {(given["class"] or "")[5:] for given in rows} == {"start", "transition", "step", "local", "human"}
    for shown in (
        "count the words",
        "lease taken",
        "claimed",
        "person answered",
        "person:ada.quillmore",
        "ended as COMPLETE",
        "0 in, 0 out",
    ):
        assert shown in page.text, shown


def test_a_long_timeline_goes_on_where_it_stopped(
    desk: Desk, owner: Database, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.file("CMP-1")
    whole = ada.get(f"/runs/{run}").text.count('<tr class="kind-')
    monkeypatch.setattr(run_page, "_ENTRIES", 3)
    counted, path = 0, f"/runs/{run}"
    while path:
        page = ada.get(path.split("#", maxsplit=1)[0]).text
        counted += page.count('<tr class="kind-')
        path = next((a["href"] or "" for a in Page(page).all("a") if "after=" in (a["href"] or "")), "")
    assert counted == whole > 6
    assert ada.get(f"/runs/{run}?after=nonsense").status_code == 400


def test_large_payloads_are_cut_with_a_note(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    large, larger = "small words " * 10_000, "larger words " * 200_000
    with owner.transaction() as db:
        for seq, text in ((7, canonical({"said": large})), (8, payloads.by_reference(db, canonical({"said": larger})))):
            db.execute(
                """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, output, created_at)
                   VALUES (%s, 1, %s, 'READING', 'local', 'read aloud', 'COMPLETE', %s::jsonb, app_now())""",
                [run, seq, text],
            )
    for call in ("call-1-7", "call-1-8"):
        page = ada.get(f"/runs/{run}/events/{call}").text
        assert page.count("… cut here: 65,536 of") == 1
        assert len(page) < 200_000
    assert "larger words" in page
    assert len(ada.get(f"/runs/{run}").text) < 100_000, "the run's own page holds no payloads"


def test_alerts_stand_on_their_page_and_on_their_run(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    with owner.transaction() as db:
        for rule, of, resolved in (
            ("waits_long", run, None),
            ("sweep_overdue", None, None),
            ("was_slow", run, "now()"),
        ):
            db.execute(
                f"""INSERT INTO alerts (id, rule, subject, run_id, message, opened_at, resolved_at)
                    VALUES (%s, %s, 'a subject', %s, 'look at <this>', app_now(), {resolved or "NULL"})""",
                [new_id(), rule, of],
            )
    alerts = ada.get("/alerts").text
    assert "Waits long" in alerts
    assert "Sweep overdue" in alerts
    assert "Was slow" not in alerts
    assert "look at &lt;this&gt;" in alerts
    page = ada.get(f"/runs/{run}").text
    assert "Waits long" in page
    assert "Was slow" in page
    assert "No alert is open" not in alerts


def test_children_stand_on_their_parents_page(desk: Desk, owner: Database, ada: Visitor) -> None:
    parent, child = desk.file("CMP-1"), desk.file("CMP-1/photograph")
    with owner.transaction() as db:
        db.execute("UPDATE runs SET parent_run_id = %s, parent_step_seq = 1 WHERE id = %s", [parent, child])
    assert "CMP-1/photograph" in ada.get(f"/runs/{parent}").text
    assert str(parent) in ada.get(f"/runs/{child}").text
    assert listed(ada.get("/runs").text) == ["CMP-1"], "children are listed under their parent"
    assert "CMP-1/photograph" in listed(ada.get("/runs?text=CMP-1").text)


def test_there_is_no_such_run(ada: Visitor) -> None:
    assert ada.get(f"/runs/{UUID(int=7)}").status_code == 404
