"""The inbox: what waits for whom, the most urgent first; and what a page left open is told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.store.database import Database
from app.web.human_tasks import inbox
from tests.support.clock import later
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page


def listed(page: str) -> list[str]:
    """The subjects of the rows, in order."""
    rows = page.split("<tbody>", maxsplit=1)[-1] if "<tbody>" in page else ""
    return [part.split("</bdi>")[0] for part in rows.split('<span class="note"><bdi>')[1:]]


def test_each_view_shows_what_its_name_says(desk: Desk, owner: Database, ada: Visitor, carl: Visitor) -> None:
    first, second, third = (task_of(owner, desk.file(f"CMP-{n}")) for n in (1, 2, 3))
    assert listed(ada.get("/inbox").text) == ["CMP-1", "CMP-2", "CMP-3"]
    ada.post(f"/tasks/{second}/claim")
    ada.post(f"/tasks/{third}/snooze", **{"for": "1d", "reason": "The garage is closed."})
    assert listed(ada.get("/inbox?tab=mine").text) == ["CMP-2", "CMP-3"]
    assert listed(ada.get("/inbox").text) == ["CMP-1", "CMP-2"], "what is snoozed is not in the way"
    aside = ada.get("/inbox?tab=snoozed").text
    assert listed(aside) == ["CMP-3"]
    assert "The garage is closed." in aside
    assert "Nothing for your roles is overdue." in ada.get("/inbox?tab=overdue").text
    assert listed(ada.get("/inbox?tab=all&text=CMP-1").text) == ["CMP-1"]
    assert "No open task here matches." in ada.get("/inbox?tab=all&role=siu").text

    assert "Nothing waits for you." in carl.get("/inbox").text
    theirs = carl.get("/inbox?tab=all").text
    assert listed(theirs) == ["CMP-1", "CMP-2", "CMP-3"]
    assert "Claim task" not in theirs, "who may not answer is not invited to"
    assert "Ada Quillmore, Adjuster" in theirs
    assert str(first) in theirs


def test_the_most_urgent_comes_first_and_its_clock_says_so(desk: Desk, owner: Database, ada: Visitor) -> None:
    old, new = (task_of(owner, desk.file(f"CMP-{n}")) for n in (1, 2))
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET due_at = app_now() + interval '90 minutes' WHERE id = %s", [new])
        db.execute("UPDATE human_tasks SET due_at = NULL WHERE id = %s", [old])
    page = ada.get("/inbox").text
    assert listed(page) == ["CMP-2", "CMP-1"]
    assert "due in 1 h 2" in page or "due in 1 h 30 m" in page
    assert "no due time" in page
    with owner.transaction() as db:
        db.execute(later(timedelta(hours=3)))
    ada.let_in()
    assert "overdue by 1 h" in ada.get("/inbox?tab=overdue").text


def test_the_list_goes_on_where_it_stopped(
    desk: Desk, owner: Database, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_SHOWN", 2)
    tasks = [task_of(owner, desk.file(f"CMP-{n}")) for n in range(5)]
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET due_at = NULL WHERE id = ANY (%s)", [[tasks[0], tasks[1]]])
    seen, path = list[str](), "/inbox?tab=all&text=CMP"
    while path:
        page = ada.get(path).text
        seen += listed(page)
        path = next((a["href"] or "" for a in Page(page).all("a") if "after=" in (a["href"] or "")), "")
    assert seen == ["CMP-2", "CMP-3", "CMP-4", "CMP-0", "CMP-1"]
    for wrong in ("nonsense", "infinity_", "infinity_x", "2026-01-01_", f"x_{tasks[0]}"):
        assert ada.get(f"/inbox?after={wrong}").status_code == 400
    assert ada.get("/inbox?tab=theirs").status_code == 400


def test_rows_are_told_again_only_when_they_changed(desk: Desk, owner: Database, ada: Visitor, bela: Visitor) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    at = "2026-03-01T09:00:10+00"
    with owner.transaction() as db:  # a minute that does not end while the test looks
        db.execute(
            f"CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT '{at}'::timestamptz $$"
        )
    first = ada.get("/inbox/rows")
    assert first.status_code == 200
    assert "<html" not in first.text
    assert listed(first.text) == ["CMP-1"]
    mark = {"If-None-Match": first.headers["etag"]}
    again = ada.http.get("/inbox/rows", headers=mark)
    assert (again.status_code, again.content) == (304, b"")
    assert "default-src 'none'" in again.headers["content-security-policy"]
    bela.post(f"/tasks/{task}/claim")
    changed = ada.http.get("/inbox/rows", headers=mark)
    assert changed.status_code == 200
    assert "Bela Ostrander" in changed.text
    assert bela.http.get("/inbox/rows", headers={"If-None-Match": changed.headers["etag"]}).status_code == 200


def test_who_took_part_sees_that_somebody_else_must_answer(desk: Desk, owner: Database, ada: Visitor) -> None:
    task = task_of(owner, desk.file("CMP-1"))
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET not_by = %s WHERE id = %s", [["ada.quillmore"], task])
    page = ada.get("/inbox").text
    assert "You took part; somebody else must answer." in page
    assert "Claim task" not in page


def test_every_view_is_well_formed(desk: Desk, owner: Database, ada: Visitor, carl: Visitor) -> None:
    empty = [who.get(f"/inbox?tab={tab}").text for who in (ada, carl) for tab in inbox.TABS]
    task: UUID = task_of(owner, desk.file("CMP-1"))
    ada.post(f"/tasks/{task}/snooze", **{"for": "2h", "reason": "Later."})
    full = [who.get(f"/inbox?tab={tab}").text for who in (ada, carl) for tab in inbox.TABS]
    for html in [*empty, *full]:
        assert Page(html).problems == []
