"""Who is asking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.core.errors import BadInput
from app.settings import Settings
from app.web import session
from tests.web.conftest import PEOPLE, Visitor
from tests.web.flows import Desk


def test_everybody_enrolled_can_be_chosen(visitor: Callable[[str], Visitor]) -> None:
    page = visitor("ada.quillmore").get("/sign-in").text
    assert all(person.display_name in page and f'value="{person.username}"' in page for person in PEOPLE)
    assert "25,000.00" in page


@pytest.mark.parametrize(
    "path", ["/", "/inbox", "/runs", "/runs/anything", "/alerts", "/tasks/01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20"]
)
def test_nobody_reads_without_signing_in(ada: Visitor, path: str) -> None:
    stranger = TestClient(ada.http.app, base_url="http://127.0.0.1:8710", follow_redirects=False)
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_signing_in_leads_back_to_where_one_wanted_to_go(ada: Visitor, desk: Desk) -> None:
    run = desk.file("CMP-1")
    assert ada.post("/sign-in", username="bela.ostrander", next=f"/runs/{run}").url.path == f"/runs/{run}"


@pytest.mark.parametrize(
    "target", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "/\r\nX: y"]
)
def test_signing_in_never_leads_to_another_site(ada: Visitor, target: str) -> None:
    assert ada.post("/sign-in", username="ada.quillmore", next=target).url.path == "/inbox"


def test_an_unknown_person_cannot_sign_in(ada: Visitor) -> None:
    answer = ada.post("/sign-in", username="nobody.atall")
    assert answer.status_code == 404
    assert "nobody.atall" in answer.text


def test_signing_out_forgets(ada: Visitor) -> None:
    assert ada.post("/sign-out").url.path == "/sign-in"
    assert ada.get("/inbox").url.path == "/sign-in"


def test_the_cookie_is_signed_and_kept_from_scripts_and_other_sites(ada: Visitor) -> None:
    cookie = ada.post("/sign-in", username="ada.quillmore").history[0].headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    name, value = next(iter(ada.http.cookies.items()))
    ada.http.cookies.clear()
    ada.http.cookies.set(name, value[:-2] + ("aa" if not value.endswith("aa") else "bb"))
    assert ada.get("/inbox").url.path == "/sign-in"


def test_the_token_changes_when_somebody_signs_in(ada: Visitor) -> None:
    before = ada.token()
    ada.post("/sign-in", username="bela.ostrander")
    assert ada.token() != before


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    config = Settings(data_dir=tmp_path / "new" / "data")
    first = session.secret(config)
    assert len(first) >= 32
    assert session.secret(config) == first
    assert [file.name for file in config.data_dir.iterdir()] == ["web.secret"]
    assert (config.data_dir / "web.secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(BadInput, match="LONGHAUL_SESSION_SECRET"):
        session.secret(Settings(session_secret="short"))
