"""Working at a task on its page before the answer: claimed, delegated, snoozed, noted, drafted, limits shown."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest

from app.accounts import people
from app.accounts.people import Person
from app.core.ids import new_id
from app.store.database import Database
from app.store.human_tasks import handling as store
from app.store.human_tasks import human_tasks
from app.store.human_tasks.rows import HumanTask
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page

ADA, BELA, SUE = "ada.quillmore", "bela.ostrander", "sue.marchetti"


@pytest.fixture
def task(desk: Desk, owner: Database) -> UUID:
    with owner.transaction() as db:
        people.enrol(db, Person(SUE, "Sue Marchetti", ("supervisor", "adjuster"), Decimal(900), "EUR"))
    return task_of(owner, desk.file("CMP-1"))


@pytest.fixture
def sue(task: UUID, visitor: Callable[[str], Visitor]) -> Visitor:
    return visitor(SUE)


def read(owner: Database, task: UUID) -> HumanTask:
    with owner.transaction() as db:
        found = human_tasks.read(db, task)
    assert found is not None
    return found


def test_a_task_is_delegated_to_who_may_answer_it(owner: Database, ada: Visitor, bela: Visitor, task: UUID) -> None:
    ada.post(f"/tasks/{task}/claim")
    choices = [o["value"] for o in Page(ada.get(f"/tasks/{task}").text).all("option")]
    assert {BELA, SUE} <= set(choices)
    assert ADA not in choices
    wrong = ada.post(f"/tasks/{task}/delegate", act="delegate", to="carl.vintergard", reason="He knows bicycles.")
    assert wrong.status_code == 400
    assert "may not answer this task" in wrong.text
    assert "He knows bicycles." in wrong.text, "what was typed is still there"
    done = ada.post(f"/tasks/{task}/delegate", to=BELA, reason="She knows bicycles.")
    assert done.status_code == 200
    assert read(owner, task).claimed_by == BELA
    told = Page(bela.get(f"/tasks/{task}").text).text
    assert "delegated by Ada Quillmore" in " ".join(told.split())
    assert "She knows bicycles." in told


def test_taking_over_is_for_supervisors_and_asks_why(
    owner: Database, ada: Visitor, bela: Visitor, sue: Visitor, task: UUID
) -> None:
    ada.post(f"/tasks/{task}/claim")
    assert "/take-over" not in bela.get(f"/tasks/{task}").text
    assert bela.post(f"/tasks/{task}/take-over", reason="Mine now.").status_code == 403
    assert "/take-over" in sue.get(f"/tasks/{task}").text
    assert sue.post(f"/tasks/{task}/take-over", reason="").status_code == 400
    assert sue.post(f"/tasks/{task}/take-over", reason="Ada is on holiday.").status_code == 200
    assert read(owner, task).claimed_by == SUE


def test_a_snoozed_task_says_until_when_and_why(owner: Database, ada: Visitor, task: UUID) -> None:
    assert ada.post(f"/tasks/{task}/snooze", **{"for": "for ever", "reason": "x"}).status_code == 400
    page = ada.post(f"/tasks/{task}/snooze", **{"for": "3d", "reason": "The garage is closed."}).text
    assert "Snoozed until" in page
    assert "The garage is closed." in page
    assert ada.post(f"/tasks/{task}/unsnooze").status_code == 200
    assert read(owner, task).snoozed_until is None


def test_history_recorded_under_an_older_word_is_still_told(owner: Database, ada: Visitor, task: UUID) -> None:
    with owner.transaction() as db:
        human_tasks.add_event(db, task, read(owner, task).run_id, "parked", f"person:{ADA}", '{"reason": "It rained."}')
    told = " ".join(Page(ada.get(f"/tasks/{task}").text).text.split())
    assert "parked by Ada Quillmore" in told
    assert "It rained." in told


def test_comments_are_kept_and_shown_as_text(ada: Visitor, bela: Visitor, task: UUID) -> None:
    ada.post(f"/tasks/{task}/comment", body="Ask for the <b>photographs</b>.")
    assert ada.post(f"/tasks/{task}/comment", body=" ").status_code == 400
    page = bela.get(f"/tasks/{task}").text
    assert "Ask for the &lt;b&gt;photographs&lt;/b&gt;." in page
    assert Page(page).problems == []
    standing = bela.get(f"/tasks/{task}/standing")
    assert "photographs" in standing.text
    assert standing.headers["etag"]


def test_a_draft_comes_back_and_goes_with_the_answer(owner: Database, ada: Visitor, bela: Visitor, task: UUID) -> None:
    kept = ada.post(
        f"/tasks/{task}/complete", save="draft", **{"answer.comment": "Half a <thought>", "answer.wheels": "many"}
    )
    assert "Half a &lt;thought&gt;" in kept.text
    assert 'value="many"' in kept.text
    assert "Your draft of" in kept.text
    assert "Half a" not in bela.get(f"/tasks/{task}").text, "a draft is its author's"
    told = ada.http.post(
        f"/tasks/{task}/draft",
        data={"csrf": ada.token(), "answer.comment": "By script."},
        headers={"Accept": "application/json"},
    )
    assert told.json()["saved_at"]
    assert "By script." in ada.get(f"/tasks/{task}").text
    assert "secret" not in ada.http.post(f"/tasks/{task}/draft", data={"answer.comment": "no token"}).text
    ada.answer(task, "pay")
    with owner.transaction() as db:
        assert store.draft(db, task, ADA) is None
    late = ada.http.post(f"/tasks/{task}/draft", data={"csrf": ada.token()}, headers={"Accept": "application/json"})
    assert late.status_code == 409
    assert "completed already" in late.json()["problem"]


def test_new_evidence_asks_for_a_second_look_and_loses_nothing(
    desk: Desk, owner: Database, ada: Visitor, task: UUID
) -> None:
    ada.post(f"/tasks/{task}/draft", **{"answer.comment": "Written before."})
    with owner.transaction() as db:
        store.new_evidence(db, read(owner, task).run_id, files=["second <opinion>.pdf"], actor="claimant")
    refused = ada.answer(task, "pay", comment="Written before.")
    assert refused.status_code == 409
    assert "Written before." in refused.text
    page = ada.get(f"/tasks/{task}").text
    assert "New evidence came in" in page
    assert "second &lt;opinion&gt;.pdf" in page
    assert "It was written before the new evidence came in." in page
    assert Page(page).problems == []
    assert ada.answer(task, "pay", row_version=2).status_code == 200


def test_the_limit_is_shown_before_one_tries(owner: Database, ada: Visitor, sue: Visitor, task: UUID) -> None:
    mine = " ".join(Page(ada.get(f"/tasks/{task}").text).text.split())
    assert "Your limit for goods is 25,000.00 EUR: it covers the 1,240.00 EUR proposed." in mine
    assert "up to 900.00 EUR, below the proposal" in mine
    hers = " ".join(Page(sue.get(f"/tasks/{task}").text).text.split())
    assert "you may answer, and somebody with the authority signs after you" in hers
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET not_by = %s WHERE id = %s", [[BELA], task])
    last = " ".join(Page(sue.get(f"/tasks/{task}").text).text.split())
    assert "you may refuse it, but not approve it. Ada Quillmore, Adjuster can." in last
    assert "Bela Ostrander, Adjuster took part in what is to be approved: may not" in last
    refused = sue.answer(task, "pay")
    assert refused.status_code == 403, "and that is what the database says too"


def test_who_comes_second_sees_both_answers_side_by_side(ada: Visitor, bela: Visitor, task: UUID) -> None:
    ada.answer(task, "pay", comment="It is all there.", amount="1240.00")
    second = bela.answer(task, "do_not_pay", comment="Nothing is there.", amount="1240.00", seen="false")
    page = Page(second.text)
    assert page.problems == []
    rows = [r for r in second.text.split("<tr")[1:] if "Nothing is there." in r or "Amount to pay" in r]
    assert any("It is all there." in r and "differs" in r for r in rows)
    assert any("the same" in r for r in rows)


def test_a_retried_claim_after_the_task_is_gone_is_told(owner: Database, ada: Visitor, task: UUID) -> None:
    assert ada.post(f"/tasks/{new_id()}/claim").status_code == 404
    ada.answer(task, "pay")
    assert ada.post(f"/tasks/{task}/claim").status_code == 409
