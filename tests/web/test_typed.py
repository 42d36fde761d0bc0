"""What was typed is not lost: when a session ends in the middle, and when two tabs of one person write at once."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from httpx2 import Response

from app.accounts import passwords
from app.engine.runtime import Runtime
from app.store.database import Database
from app.store.human_tasks import handling as store
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page

TYPED = 'Half a thought,\nand "the other" half <b>'
PASSWORD = "a long enough password, 17"


@pytest.fixture
def task(owner: Database, desk: Desk) -> UUID:
    return task_of(owner, desk.file("CMP-1"))


def hidden(page: Response, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to an address."""
    import html

    (form,) = re.findall(rf'<form method="post" action="{action}">(.*?)</form>', page.text, re.DOTALL)
    return {n: html.unescape(v) for n, v in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)}


def draft(owner: Database, task: UUID) -> dict[str, str]:
    with owner.transaction() as db:
        found = store.draft(db, task, "ada.quillmore")
    assert found is not None
    return dict(found.draft)


def old_form(ada: Visitor, task: UUID) -> Response:
    """Send what was typed into a form whose session has ended meanwhile."""
    token = ada.token(f"/tasks/{task}")
    ada.http.cookies.clear()
    sent = {"csrf": token, "outcome": "pay", "row_version": "1", "answer.comment": TYPED}
    answer: Response = ada.http.post(f"/tasks/{task}/complete", data=sent, headers=dict(ada.headers))
    return answer


def test_who_signs_in_again_finds_the_form_filled(web: Runtime, owner: Database, ada: Visitor, task: UUID) -> None:
    passwords.change(web, "ada.quillmore", PASSWORD)
    ada.let_in()
    told = old_form(ada, task)
    assert told.status_code == 403 and Page(told.text).problems == []
    assert "the session has ended" in told.text and "filled in again" in told.text
    fields = hidden(told, "/sign-in")
    assert (fields["next"], fields["answer.comment"]) == (f"/tasks/{task}", TYPED)
    wrong = ada.http.post("/sign-in", data=fields | {"username": "ada.quillmore", "password": "no"})
    fields = hidden(wrong, "/sign-in")
    assert fields["answer.comment"] == TYPED, "a wrong password loses nothing"
    back = ada.http.post("/sign-in", data=fields | {"username": "ada.quillmore", "password": PASSWORD})
    assert (back.status_code, back.url.path) == (200, f"/tasks/{task}")
    assert draft(owner, task)["answer.comment"] == TYPED
    assert "is filled in again" in back.text


def test_a_form_of_another_session_is_filled_in_again(owner: Database, ada: Visitor, task: UUID) -> None:
    told = ada.http.post(
        f"/tasks/{task}/complete", data={"csrf": "x" * 43, "answer.comment": TYPED}, headers=dict(ada.headers)
    )
    assert told.status_code == 403
    again = ada.http.post(f"/tasks/{task}/draft", data=hidden(told, f"/tasks/{task}/draft"), headers=dict(ada.headers))
    assert again.status_code == 200
    assert draft(owner, task)["answer.comment"] == TYPED


def test_another_sites_form_is_not_filled_in_again(ada: Visitor, task: UUID) -> None:
    told = ada.http.post(
        f"/tasks/{task}/complete", data={"answer.comment": TYPED}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert told.status_code == 403
    assert f"/tasks/{task}/draft" not in told.text


def test_two_tabs_of_one_person_do_not_write_over_each_other(owner: Database, ada: Visitor, task: UUID) -> None:
    json = {**ada.headers, "Accept": "application/json"}

    def save(text: str, seen: str) -> Response:
        form = {"csrf": ada.token(), "draft_seen": seen, "answer.comment": text}
        answer: Response = ada.http.post(f"/tasks/{task}/draft", data=form, headers=json)
        return answer

    assert save("Tab one.", "").status_code == 200
    assert save("Tab one.", "").status_code == 200, "the same text is no conflict"
    other = save("Tab two, opened before.", "")
    assert other.status_code == 409
    assert "another tab or window" in other.json()["problem"]
    assert draft(owner, task)["answer.comment"] == "Tab one."
    told = ada.post(f"/tasks/{task}/draft", draft_seen="", **{"answer.comment": "Tab two, no scripts."})
    assert told.status_code == 409 and "Tab two, no scripts." in told.text
    assert save("Tab two, after all.", other.json()["other"]).status_code == 200
    assert draft(owner, task)["answer.comment"] == "Tab two, after all."
