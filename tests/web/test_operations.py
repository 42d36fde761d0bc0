"""Operating runs from their pages: what is possible now, with a reason, by whoever may; and the triage of dead letters."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.errors import Transient, Unrecoverable
from app.core.ids import new_id
from app.store.database import Database
from app.store.runs import runs
from tests.web.complaints import ARCHIVE, FETCH, Desk
from tests.web.conftest import Visitor
from tests.web.markup import Page

CARL = "carl.vintergard"


def status(owner: Database, run_id: UUID) -> str:
    with owner.transaction() as db:
        run = runs.read(db, run_id)
    assert run is not None
    return run.status.value


def bury(owner: Database, run_id: UUID, reason: str, fingerprint: str = "f") -> UUID:
    """Make a dead letter of a run, as a step that cannot go on leaves it."""
    with owner.transaction() as db:
        db.execute("UPDATE runs SET status = 'DEAD_LETTER', waiting_reason = %s WHERE id = %s", [reason, run_id])
        db.execute("UPDATE human_tasks SET status = 'CANCELLED' WHERE run_id = %s", [run_id])
        db.execute(
            """INSERT INTO dead_letters (id, run_id, step_seq, state, fingerprint, reason, created_at)
               VALUES (%s, %s, 2, 'AWAITING_REVIEW', %s, %s, app_now())""",
            [new_id(), run_id, fingerprint, reason],
        )
    return run_id


def moved(owner: Database, run_id: UUID) -> dict[str, Any]:
    with owner.transaction() as db:
        row = db.execute(
            "SELECT event, actor, reason FROM transitions WHERE run_id = %s ORDER BY seq DESC LIMIT 1", [run_id]
        ).fetchone()
    assert row is not None
    return row


def test_the_run_page_offers_what_is_possible_now_and_does_it_with_a_reason(
    carl: Visitor, desk: Desk, owner: Database
) -> None:
    run = desk.file("CMP-1")
    page = carl.get(f"/runs/{run}").text
    assert 'value="cancel"' in page and 'value="pause"' in page
    assert 'value="redrive"' not in page and 'value="retry"' not in page
    assert Page(page).problems == []
    done = carl.post(f"/runs/{run}/operations", verb="cancel", reason="sent twice", confirmed="yes")
    assert done.url.path == f"/runs/{run}"
    assert moved(owner, run) == {"event": "cancelled", "actor": f"person:{CARL}", "reason": "sent twice"}
    assert "/operations" not in done.text, "an ended run has none"


def test_without_a_reason_nothing_is_done(carl: Visitor, desk: Desk, owner: Database) -> None:
    run = desk.file("CMP-1")
    refused = carl.post(f"/runs/{run}/operations", verb="cancel", reason="  ")
    assert refused.status_code == 400 and "say why" in refused.text
    assert status(owner, run) == "WAITING_FOR_HUMAN"


def test_what_ends_a_run_for_good_is_asked_for_twice(carl: Visitor, desk: Desk, owner: Database) -> None:
    waiting, dead = desk.file("CMP-1"), bury(owner, desk.file("CMP-2"), "it broke")
    for run, verb, stands in ((waiting, "cancel", "WAITING_FOR_HUMAN"), (dead, "fail", "DEAD_LETTER")):
        asked = carl.post(f"/runs/{run}/operations", verb=verb, reason='"sent" <twice>')
        assert asked.status_code == 200 and "Nothing was done yet" in asked.text
        assert Page(asked.text).problems == []
        assert "&#34;sent&#34; &lt;twice&gt;" in asked.text, "the reason goes along"
        assert ("Review the complaint CMP-1" in asked.text) == (run == waiting), "the tasks that close with it"
        assert status(owner, run) == stands
    carl.post(f"/runs/{dead}/operations", verb="fail", reason="sent twice", confirmed="yes")
    assert status(owner, dead) == "FAILED"


def test_what_is_not_possible_now_stands_on_the_page_with_its_reason(carl: Visitor, desk: Desk) -> None:
    page = carl.get(f"/runs/{desk.file('CMP-1')}").text
    assert "What is not possible now" in page
    assert "impossible while the run is WAITING_FOR_HUMAN" in page and "it is WAITING_FOR_HUMAN, not paused" in page


def test_what_is_not_possible_any_more_says_why(carl: Visitor, desk: Desk) -> None:
    run = desk.file("CMP-1")
    carl.post(f"/runs/{run}/operations", verb="cancel", reason="sent twice", confirmed="yes")
    late = carl.post(f"/runs/{run}/operations", verb="cancel", reason="again")
    assert late.status_code == 409 and "the run has ended as CANCELLED" in late.text
    assert carl.post(f"/runs/{run}/operations", verb="explode", reason="x").status_code == 400
    assert carl.post(f"/runs/{new_id()}/operations", verb="pause", reason="x").status_code == 404


def test_who_may_not_operate_sees_no_operations_and_does_none(ada: Visitor, desk: Desk, owner: Database) -> None:
    run = desk.file("CMP-1")
    assert "/operations" not in ada.get(f"/runs/{run}").text
    assert ada.post(f"/runs/{run}/operations", verb="cancel", reason="mine").status_code == 403
    bury(owner, run, "it broke")
    assert 'type="checkbox"' not in ada.get("/dead-letters").text
    assert ada.post("/dead-letters", verb="fail", reason="x", for_good="yes", **{f"run.{run}": "on"}).status_code == 403
    assert status(owner, run) == "DEAD_LETTER"


def test_dead_letters_stand_by_kind_and_a_trial_comes_before_the_deed(
    carl: Visitor, desk: Desk, owner: Database
) -> None:
    first, second = (bury(owner, desk.file(f"CMP-{n}"), "the archive is gone") for n in (1, 2))
    other = bury(owner, desk.file("CMP-3"), "<b>diverged</b>", "g")
    page = carl.get("/dead-letters").text
    assert Page(page).problems == []
    assert page.count("<form") == 3, "one of each kind, and the sign-out"
    assert "&lt;b&gt;diverged" in page

    ticked = {f"run.{first}": "on", f"run.{second}": "on"}
    trial = carl.post("/dead-letters", verb="redrive", reason="it is back", **ticked)
    assert "nothing was done yet" in trial.text and "Redrive 2" in trial.text
    assert [status(owner, run) for run in (first, second)] == ["DEAD_LETTER"] * 2
    done = carl.post("/dead-letters", verb="redrive", reason="it is back", for_good="yes", **ticked)
    assert "What became of them" in done.text
    assert [status(owner, run) for run in (first, second, other)] == ["READY", "READY", "DEAD_LETTER"]
    assert moved(owner, first) == {"event": "redriven", "actor": f"person:{CARL}", "reason": "it is back"}
    assert "CMP-1" not in carl.get("/dead-letters").text


def test_runs_out_of_tries_stand_beside_the_dead_letters_and_are_retried(
    carl: Visitor, desk: Desk, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHIVE, "Ilse", Transient("shelf 17 is locked"))
    monkeypatch.setitem(ARCHIVE, "Jonas", Transient("shelf 4 is locked"))
    monkeypatch.setitem(ARCHIVE, "Karla", Unrecoverable("there is no shelf"))
    first, second, dead = (desk.file(f"CMP-{name}", FETCH, customer=name) for name in ("Ilse", "Jonas", "Karla"))
    assert [status(owner, run) for run in (first, second, dead)] == ["FAILED_RETRIABLE"] * 2 + ["DEAD_LETTER"]
    page = carl.get("/dead-letters").text
    assert Page(page).problems == []
    assert all(f"CMP-{name}" in page for name in ("Ilse", "Jonas", "Karla"))
    assert page.count("<form") == 3, "shelf 17 and shelf 4 are of one kind; the dead letter; the sign-out"
    assert page.index("CMP-Karla") < page.index("Out of tries") < page.index("CMP-Ilse") < page.index("CMP-Jonas")
    assert "tried again by itself in" in page

    ARCHIVE.clear()
    ticked = {f"run.{first}": "on", f"run.{dead}": "on"}
    trial = carl.post("/dead-letters", verb="retry", reason="unlocked", **ticked)
    assert "impossible while the run is DEAD_LETTER" in trial.text and "Retry 1" in trial.text
    carl.post("/dead-letters", verb="retry", reason="unlocked", for_good="yes", **ticked)
    assert [status(owner, run) for run in (first, second, dead)] == ["READY", "FAILED_RETRIABLE", "DEAD_LETTER"]
    desk.work()
    assert status(owner, first) == "COMPLETE"
    assert "CMP-Ilse" not in carl.get("/dead-letters").text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"verb": "fail", "reason": "x"}, "No run is ticked"),
        ({"verb": "fail", "reason": " "}, "say why"),
        ({"verb": "x", "reason": "x"}, "there is no"),
    ],
)
def test_a_triage_that_cannot_be_meant_keeps_what_was_written(
    carl: Visitor, desk: Desk, owner: Database, form: dict[str, str], says: str
) -> None:
    run = bury(owner, desk.file("CMP-1"), "it broke")
    ticked = {} if "ticked" in says else {f"run.{run}": "on"}
    answer = carl.post("/dead-letters", for_good="yes", **form, **ticked)
    assert answer.status_code == 422 and says in answer.text
    assert status(owner, run) == "DEAD_LETTER"


def test_without_dead_letters_the_page_says_what_they_are(carl: Visitor) -> None:
    page = carl.get("/dead-letters").text
    assert "No dead letters." in page
    assert Page(page).problems == []


def test_of_many_that_stopped_alike_one_is_let_go_on_first(carl: Visitor, desk: Desk, owner: Database) -> None:
    first, second = (bury(owner, desk.file(f"CMP-{n}"), "the archive is gone") for n in (1, 2))
    with owner.transaction() as db:
        db.execute(
            "SET LOCAL session_replication_role = replica"
        )  # tasks that ended are written once; here they stand for others
        db.execute("UPDATE human_tasks SET status = 'OPEN', kind = 'triage', role = 'operator', fingerprint = 'f'")
    assert "1 other that stopped alike" in carl.get("/inbox").text
    page = carl.get("/dead-letters").text
    assert Page(page).problems == []
    assert "Redrive one first" in page and "Redrive the others" in page
    early = carl.post("/dead-letters", verb="redrive.rest.f", reason="it is back")
    assert early.status_code == 422 and "redrive one of the 2 first" in early.text
    shown = carl.post("/dead-letters", verb="redrive.first.f", reason="it is back").text
    assert "nothing was done yet" in shown and "Redrive 1" in shown
    assert [status(owner, run) for run in (first, second)] == ["DEAD_LETTER"] * 2
