"""Links for claimants on the run's page and on the command line: made by who may, shown once, ended at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.web.application import application
from tests.support.claimants import Claimant, Post, post_office
from tests.web.conftest import Visitor
from tests.web.markup import Page


@dataclass
class Room:
    """A post office, and people signed in to its pages."""

    post: Post
    sign_in: Callable[[str], Visitor]


@pytest.fixture
def room(database_url: str, tmp_path: Path) -> Iterator[Room]:
    with post_office(database_url, tmp_path / "data", public_url="https://claims.example") as post:

        def sign_in(username: str) -> Visitor:
            http = TestClient(application(post.web), base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
            return Visitor(http, username).let_in()

        yield Room(post, sign_in)


def token_in(html: str) -> str:
    found = re.search(r'value="https://claims\.example/c/([A-Za-z0-9_-]{43})"', html)
    assert found, html
    return found[1]


def test_a_link_is_made_on_the_runs_page_shown_once_and_ended_there(room: Room) -> None:
    run_id = room.post.run(missing=("police_report",))
    ada = room.sign_in("ada")
    page = ada.get(f"/runs/{run_id}").text
    assert Page(page).problems == []
    assert "Make a link" in page
    made = ada.post(f"/runs/{run_id}/links", days="7")
    assert made.status_code == 200
    assert Page(made.text).problems == []
    assert "shown this once" in made.text
    assert "police report" in made.text
    claimant = Claimant(room.post.http, token_in(made.text))
    outside = Page(claimant.get().text)
    assert outside.problems == []
    assert "police report" in outside.text
    listed = ada.get(f"/runs/{run_id}").text
    assert claimant.token not in listed
    assert "open</span>" in listed
    (link,) = room.post.journey.rows("SELECT id, asks, created_by, expires_at - created_at AS lasts FROM upload_links")
    assert (link["created_by"], link["lasts"].days) == ("ada", 7)
    assert link["asks"].startswith("police report\nWe could not read the file scan.doc")
    ended = ada.post(f"/runs/{run_id}/links/{link['id']}/revoke")
    assert "revoked</span>" in ended.text
    assert claimant.get().status_code == 404
    assert Page(claimant.get().text).problems == []


def test_who_may_not_invite_sees_the_links_and_makes_and_ends_none(room: Room) -> None:
    run_id = room.post.run()
    _, link = room.post.link(run_id)
    otto = room.sign_in("otto")
    page = otto.get(f"/runs/{run_id}").text
    assert "Links for the claimant" in page
    assert "Make a link" not in page
    assert "Revoke" not in page
    assert otto.post(f"/runs/{run_id}/links").status_code == 403
    assert otto.post(f"/runs/{run_id}/links/{link}/revoke").status_code == 403
    assert room.post.journey.one("SELECT count(*) AS n FROM upload_links WHERE revoked_at IS NULL")["n"] == 1


@pytest.mark.parametrize("days", ["0", "61", "-1", "soon", "1e3"])
def test_a_link_lets_in_for_a_sensible_time_only(room: Room, days: str) -> None:
    answer = room.sign_in("ada").post(f"/runs/{room.post.run()}/links", days=days)
    assert answer.status_code == 400
    assert "days" in answer.text
    assert room.post.journey.rows("SELECT 1 FROM upload_links") == []


def test_another_runs_link_is_not_ended_from_here_and_a_closed_run_gets_none(room: Room) -> None:
    first, second = room.post.run("CLM-1"), room.post.run("CLM-2")
    _, link = room.post.link(first)
    ada = room.sign_in("ada")
    assert ada.post(f"/runs/{second}/links/{link}/revoke").status_code == 404
    assert room.post.journey.one("SELECT revoked_at FROM upload_links")["revoked_at"] is None
    room.post.journey.tamper("UPDATE runs SET status = 'COMPLETE', finished_at = app_now() WHERE id = %s", first)
    refused = ada.post(f"/runs/{first}/links")
    assert refused.status_code == 409
    assert "takes no more documents" in refused.text
    assert ada.post(f"/runs/{UUID(int=7)}/links").status_code == 404


def test_the_public_address_is_one_of_our_names(room: Room) -> None:
    claimant, _ = room.post.link(room.post.run())
    page = claimant.http.get(f"/c/{claimant.token}", headers={"host": "claims.example"})
    assert page.status_code == 200
    assert claimant.http.get(f"/c/{claimant.token}", headers={"host": "evil.example"}).status_code == 421


def test_while_the_database_is_away_a_claimant_is_told_calmly(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    claimant, _ = room.post.link(room.post.run())
    form = claimant.form()
    monkeypatch.setattr(room.post.web.database, "url", "postgresql://nobody@127.0.0.1:9/none")
    room.post.web.database.close()
    room.post.web.database.pool.timeout = 0.2
    answers: list[Any] = [claimant.get(), claimant.send(("a.pdf", b"%PDF-1.4"), form=form)]
    for answer in answers:
        assert answer.status_code == 503
        assert "We cannot be reached just now" in answer.text
        assert "set-cookie" not in answer.headers
