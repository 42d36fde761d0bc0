"""A human task on its page: read, claimed, completed; refused without losing a word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.accounts import people
from app.accounts.people import Person
from app.core.canonical import canonical
from app.store import clock
from app.store.database import Database
from app.store.human_tasks import human_tasks
from app.store.human_tasks.rows import HumanTask
from app.store.runs import runs
from tests.support.clock import later
from tests.web.complaints import QUOTE, Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page


@pytest.fixture
def run(desk: Desk) -> UUID:
    return desk.file("CMP-1", words="Line one.\n  Line two.")


@pytest.fixture
def task(owner: Database, run: UUID) -> UUID:
    return task_of(owner, run)


def stored(owner: Database, task: UUID) -> HumanTask:
    with owner.transaction() as db:
        row = human_tasks.read(db, task)
    assert row is not None
    return row


def test_the_page_shows_all_there_is_to_decide_on(ada: Visitor, task: UUID) -> None:
    page = Page(ada.get(f"/tasks/{task}").text)
    for shown in (
        "Review the complaint CMP-1",
        "Line one.\n  Line two.",
        "invoice.pdf, page 2",
        QUOTE,
        "Orsolya Wendelmoor",
        "240.00 EUR",
        "The customer will read this.",
        "Customer",
    ):
        assert shown in page.text, shown
    inputs = {tag["name"]: tag.get("value") for tag in page.all("input")}
    assert (inputs["answer.amount"], inputs["answer.payee"], inputs["row_version"]) == (
        "1240.00",
        "Orsolya Wendelmoor",
        "1",
    )
    assert [b["value"] for b in page.all("button") if b.get("name") == "outcome"] == ["", "pay", "do_not_pay"]
    labels = [label["for"] or "" for label in page.all("label")]
    assert [name for name in labels if name.startswith("f-")] == [
        f"f-{n}" for n in ("comment", "amount", "wheels", "severity", "seen", "sent_on", "wanted", "payee")
    ]


def test_an_answer_completes_the_task_and_wakes_the_run(
    desk: Desk, owner: Database, ada: Visitor, run: UUID, task: UUID
) -> None:
    answer = ada.answer(task, "pay", amount="900.10", sent_on="2026-03-31", wanted="bill\nphoto", seen="false")
    assert answer.url.path == f"/tasks/{task}"
    assert "Ada Quillmore, Adjuster answered “Pay”" in answer.text
    shown = Page(answer.text).text
    assert (
        shown.index("Why") < shown.index("Amount to pay") < shown.index("900.10") < shown.index("Papers still wanted")
    )
    changed = shown[shown.index("Changed from what was suggested") :]
    assert changed.index("1240.00") < changed.index("→") < changed.index("900.10")
    kept = stored(owner, task).answer
    assert kept is not None
    assert kept["values"] == {
        "comment": "The photographs agree.",
        "amount": "900.10",
        "wheels": 2,
        "severity": "slight",
        "seen": False,
        "sent_on": "2026-03-31",
        "wanted": ["bill", "photo"],
        "payee": None,
    }
    desk.work()
    with owner.transaction() as db:
        ended = runs.read(db, run)
        assert ended is not None
        assert ended.status == "COMPLETE"
        assert runs.data_of(db, run)["decided"] == "pay"
    assert "900.10 EUR" in ada.get(f"/runs/{run}").text, "the approved amount is the one that was written"


def test_who_comes_second_is_told_who_and_when_and_keeps_the_text(
    owner: Database, ada: Visitor, bela: Visitor, task: UUID
) -> None:
    ada.answer(task, "pay")
    second = bela.answer(task, "do_not_pay", comment="My own long reasoning <b>&</b>")
    page = Page(second.text)
    assert second.status_code == 409
    assert page.problems == []
    assert "Ada Quillmore, Adjuster answered “Pay”" in page.text
    assert str(stored(owner, task).completed_at)[:19] in page.text
    assert "My own long reasoning <b>&</b>" in page.text
    row = stored(owner, task)
    assert (row.completed_by, row.outcome) == ("ada.quillmore", "pay")


def test_the_same_answer_sent_twice_is_one_answer(owner: Database, ada: Visitor, task: UUID) -> None:
    assert ada.answer(task, "pay").status_code == 200
    assert ada.answer(task, "pay").status_code == 200
    assert ada.answer(task, "pay", comment="Something else.").status_code == 409
    with owner.transaction() as db:
        assert [e.event for e in human_tasks.events_of(db, task)] == ["opened", "completed"]


def test_the_wrong_role_may_read_but_not_answer(owner: Database, carl: Visitor, task: UUID) -> None:
    page = carl.get(f"/tasks/{task}")
    assert page.status_code == 200
    assert "This task is for the role adjuster; you have operator." in page.text
    assert 'name="outcome"' not in page.text
    answer = carl.answer(task, "pay", comment="I try all the same.")
    assert answer.status_code == 403
    assert "I try all the same." in answer.text
    assert carl.post(f"/tasks/{task}/claim").status_code == 403
    assert stored(owner, task).status == "OPEN"


def test_who_took_part_may_not_answer(owner: Database, ada: Visitor, bela: Visitor, task: UUID) -> None:
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET not_by = %s WHERE id = %s", [["ada.quillmore"], task])
    assert "somebody else must answer" in ada.get("/inbox").text
    assert ada.answer(task, "pay").status_code == 403
    assert ada.post(f"/tasks/{task}/claim").status_code == 403
    assert bela.answer(task, "pay").status_code == 200


def test_a_form_that_changed_meanwhile_is_shown_anew_with_the_text(
    owner: Database, ada: Visitor, bela: Visitor, task: UUID
) -> None:
    bela.post(f"/tasks/{task}/claim")
    stale = ada.answer(task, "pay", row_version=1, comment="Written for the old form.", amount="never mind")
    assert stale.status_code == 409
    assert "the task changed since you opened it" in stale.text
    assert "Written for the old form." in stale.text
    assert 'name="row_version" value="2"' in stale.text
    assert stored(owner, task).status == "OPEN"
    held = ada.answer(task, "pay", row_version=2)
    assert held.status_code == 409
    assert "is working on this task" in held.text
    bela.post(f"/tasks/{task}/release")
    assert ada.answer(task, "pay", row_version=3).status_code == 200


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("comment", "", "This is needed."),
        ("comment", "no", "This is too short"),
        ("amount", "12,50", "Write a number with a point"),
        ("amount", "-1", "This must be at least 0."),
        ("wheels", "many", "Write a whole number"),
        ("wheels", "5", "This must be at most 4."),
        ("severity", "fatal", "Choose one of"),
        ("sent_on", "yesterday", "Write a date"),
        ("payee", "x" * 61, "This is too long"),
    ],
)
def test_what_does_not_fit_comes_back_with_the_reason_by_its_field(
    owner: Database, ada: Visitor, task: UUID, field: str, typed: str, said: str
) -> None:
    answer = ada.answer(task, "pay", row_version=1, **{"wanted": "kept paper", field: typed})
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.problems == []
    wrong = [tag for _, tag in page.tags if tag.get("aria-invalid") == "true"]
    assert [tag["id"] for tag in wrong] == [f"f-{field}"]
    assert f"e-{field}" in (wrong[0]["aria-describedby"] or "")
    assert said in page.text
    assert "kept paper" in page.text
    assert field == "severity" or not typed or typed in answer.text
    assert stored(owner, task).status == "OPEN"


def test_all_that_is_wrong_is_said_at_once_and_the_first_has_the_focus(
    owner: Database, ada: Visitor, task: UUID
) -> None:
    with owner.transaction() as db:
        needs = {"pay": ["sent_on", "wanted"]}
        db.execute(
            "UPDATE human_tasks SET form = form || %s::jsonb WHERE id = %s", [canonical({"x-needs": needs}), task]
        )
    answer = ada.answer(task, "pay", comment="Fine.", amount="12,50", wheels="many")
    page = Page(answer.text)
    assert (answer.status_code, page.problems) == (422, [])
    wrong = [tag for _, tag in page.tags if tag.get("aria-invalid") == "true"]
    assert [tag["id"] for tag in wrong] == ["f-amount", "f-wheels", "f-sent_on", "f-wanted"]
    assert [tag["id"] for _, tag in page.tags if "autofocus" in tag] == ["f-amount"]


def test_an_amount_is_taken_as_the_page_prints_it(owner: Database, ada: Visitor, task: UUID) -> None:
    assert ada.answer(task, "pay", amount="$1,240.00").status_code == 422, "the claim is in euros"
    assert ada.answer(task, "pay", amount="EUR 1,240.00").status_code == 200
    assert stored(owner, task).answer["values"]["amount"] == "1240.00"  # type: ignore[index]


@pytest.mark.parametrize("outcome", ["", "reject", "PAY"])
def test_an_answer_without_a_known_outcome_is_asked_again(
    owner: Database, ada: Visitor, task: UUID, outcome: str
) -> None:
    answer = ada.answer(task, outcome, comment="Typed, then Enter was pressed.")
    assert answer.status_code == 422
    assert "Choose one of the buttons" in answer.text
    assert "Typed, then Enter was pressed." in answer.text
    assert stored(owner, task).status == "OPEN"


def test_text_is_given_back_exactly(ada: Visitor, task: UUID) -> None:
    typed = '\n leading line, </textarea><script>, & &amp; "quotes" \u202e reversed \u00e9 \U0001f6b2\n'
    page = ada.answer(task, "pay", comment=typed, wheels="?").text
    area = page.split('name="answer.comment"')[1].split(">", 1)[1].split("</textarea>")[0]
    assert area.startswith("\n"), "a browser drops one newline behind the tag"
    import html

    assert html.unescape(area[1:]) == typed


def test_a_task_is_claimed_by_one_and_released(owner: Database, ada: Visitor, bela: Visitor, task: UUID) -> None:
    assert "Release task" in ada.post(f"/tasks/{task}/claim").text
    held = bela.post(f"/tasks/{task}/claim")
    assert held.status_code == 409
    assert "Ada Quillmore, Adjuster has claimed this task already" in held.text
    assert "Ada Quillmore" in bela.get(f"/tasks/{task}").text
    assert bela.post(f"/tasks/{task}/release").status_code == 409
    assert "Claim task" in ada.post(f"/tasks/{task}/release").text
    with owner.transaction() as db:
        events = [(e.event, e.actor) for e in human_tasks.events_of(db, task)][1:]
    assert events == [("claimed", "person:ada.quillmore"), ("released", "person:ada.quillmore")]


def test_a_closed_task_takes_no_answer(owner: Database, ada: Visitor, task: UUID) -> None:
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET status = 'CANCELLED' WHERE id = %s", [task])
    answer = ada.answer(task, "pay", comment="Too late.")
    assert answer.status_code == 409
    assert "this task is cancelled" in answer.text
    assert "Too late." in answer.text


def test_there_is_no_such_task(ada: Visitor) -> None:
    assert ada.get("/tasks/01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20").status_code == 404
    assert ada.get("/tasks/not-an-id").status_code == 404


def test_authority_is_what_the_database_says_now(owner: Database, ada: Visitor, task: UUID) -> None:
    with owner.transaction() as db:
        people.enrol(db, Person("ada.quillmore", "Ada Quillmore", ("operator",), Decimal(0)))
    assert ada.answer(task, "pay").status_code == 403


def test_an_overdue_task_says_so(owner: Database, visitor: Callable[[str], Visitor], task: UUID) -> None:
    ada = visitor("ada.quillmore")
    assert "overdue" not in ada.get(f"/tasks/{task}").text
    with owner.transaction() as db:
        db.execute(later(timedelta(days=3)))
        assert clock.now(db) > (stored(owner, task).due_at or clock.now(db))
    page = visitor("ada.quillmore").get(f"/tasks/{task}").text
    assert "overdue since" in page and "overdue by 1 d" in page
    assert "overdue by" in visitor("ada.quillmore").get("/inbox").text


def test_a_finding_leads_to_the_other_runs_it_speaks_of(desk: Desk, owner: Database, ada: Visitor) -> None:
    other = desk.file("CMP 1/<b>&x")
    run = desk.file("CMP-2", compare=["CMP 1/<b>&x"])
    for path in (f"/tasks/{task_of(owner, run)}", f"/runs/{run}"):
        page = ada.get(path).text
        (link,) = {a["href"] or "" for a in Page(page).all("a") if "?text=" in (a["href"] or "")}
        assert str(other) in ada.get(link).text
        assert "CMP 1/<b>" not in page
