"""Forking a run from its page: offered to operators, with a reason, once per form; and the fork tells where it is from."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.store.database import Database
from tests.web.complaints import Desk
from tests.web.conftest import Visitor
from tests.web.markup import Page

CARL = "carl.vintergard"


def forks(owner: Database, run_id: UUID) -> list[UUID]:
    with owner.transaction() as db:
        return [row["id"] for row in db.execute("SELECT id FROM runs WHERE forked_from = %s", [run_id]).fetchall()]


def fork_field(page: str) -> str:
    """The id that the form gives its fork."""
    found = page.split('name="fork" value="')[1]
    return found.split('"')[0]


def test_an_operator_forks_a_run_from_a_step_and_lands_on_the_new_run(
    visitor: Callable[[str], Visitor], desk: Desk, owner: Database
) -> None:
    run, carl = desk.file("CMP-1"), visitor(CARL)
    page = carl.get(f"/runs/{run}").text
    form = {"step": "2", "reason": "Asked the wrong person.", "fork": fork_field(page)}
    made = carl.post(f"/runs/{run}/fork", **form)
    (fork,) = forks(owner, run)
    assert (made.status_code, made.url.path) == (200, f"/runs/{fork}")
    again = carl.post(f"/runs/{run}/fork", **form)
    assert again.url.path == made.url.path and forks(owner, run) == [fork], "sent twice, made twice"
    desk.work()
    shown = carl.get(f"/runs/{fork}").text
    assert "forked from" in shown and f'href="/runs/{run}"' in shown
    assert f"forked from step 2 of {run}: Asked the wrong person." in Page(shown).text
    beside = carl.get(f"/runs/{run}").text
    assert f'href="/runs/{fork}"' in beside


def test_who_may_not_operate_may_not_fork(ada: Visitor, desk: Desk, owner: Database) -> None:
    run = desk.file("CMP-1")
    page = ada.get(f"/runs/{run}").text
    assert 'action="/runs/' not in page or "/fork" not in page
    refused = ada.post(f"/runs/{run}/fork", step="1", reason="why not", fork="01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20")
    assert refused.status_code == 403 and forks(owner, run) == []


def test_a_damaged_form_or_an_impossible_step_is_told(
    visitor: Callable[[str], Visitor], desk: Desk, owner: Database
) -> None:
    run, carl = desk.file("CMP-1"), visitor(CARL)
    good = {"step": "1", "reason": "r", "fork": "01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20"}
    for bad in ({"step": "one"}, {"step": "1" * 11}, {"fork": "x"}, {"reason": " "}):
        assert carl.post(f"/runs/{run}/fork", **{**good, **bad}).status_code in (400, 422), bad
    assert carl.post(f"/runs/{run}/fork", **{**good, "step": "99"}).status_code == 404
    assert forks(owner, run) == []
