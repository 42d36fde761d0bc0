"""Who is asking: let in by a password or a one-time link, known by a random token, for a while, and until shut out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.accounts import administer, links, passwords, throttle
from app.engine.runtime import Runtime
from app.store.accounts import sessions
from app.store.database import Database
from app.web.application import application
from tests.support.clock import later
from tests.web.complaints import Desk
from tests.web.conftest import Visitor

ADA, PASSWORD = "ada.quillmore", "four words in a row"


@pytest.fixture
def stranger(web: Runtime) -> Visitor:
    client = TestClient(application(web), base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
    return Visitor(client, "")


@pytest.fixture
def known(web: Runtime) -> str:
    """Ada, with a password."""
    passwords.change(web, ADA, PASSWORD)
    return ADA


def advance(owner: Database, **by: float) -> None:
    with owner.transaction() as db:
        db.execute(later(timedelta(**by)))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/overview/parts",
        "/inbox",
        "/runs",
        "/runs/anything",
        "/alerts",
        "/account",
        "/people",
        f"/tasks/{UUID(int=1)}",
    ],
)
def test_nobody_reads_without_signing_in(stranger: Visitor, path: str) -> None:
    answer = stranger.http.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_signing_in_by_password_leads_back_to_where_one_wanted_to_go(stranger: Visitor, known: str, desk: Desk) -> None:
    run = desk.file("CMP-1")
    assert stranger.post("/sign-in", username=known, password=PASSWORD, next=f"/runs/{run}").url.path == f"/runs/{run}"


@pytest.mark.parametrize(
    "target", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "/\r\nX: y"]
)
def test_signing_in_never_leads_to_another_site(stranger: Visitor, known: str, target: str) -> None:
    answer = stranger.post("/sign-in", username=known, password=PASSWORD, next=target)
    assert (answer.url.host, answer.history[0].headers["location"]) == ("127.0.0.1", "/")


@pytest.mark.parametrize(
    ("name", "password"), [(ADA, "wrong"), (ADA, ""), ("nobody.atall", PASSWORD), ("", ""), (ADA, "x" * 999)]
)
def test_a_wrong_name_and_a_wrong_password_are_told_the_same(
    stranger: Visitor, known: str, name: str, password: str
) -> None:
    answer = stranger.post("/sign-in", username=name, password=password)
    assert answer.status_code == 403
    assert "this name and this password do not belong together" in answer.text
    assert stranger.get("/").url.path == "/sign-in"


def test_somebody_without_a_password_cannot_be_signed_in_by_an_empty_one(stranger: Visitor) -> None:
    assert stranger.post("/sign-in", username="bela.ostrander", password="").status_code == 403


def test_guessing_a_name_is_stopped_for_a_while_and_says_until_when(
    stranger: Visitor, known: str, owner: Database
) -> None:
    for _ in range(throttle.MOST_OF_NAME):
        assert stranger.post("/sign-in", username=known, password="a guess").status_code == 403
    stopped = stranger.post("/sign-in", username=known, password=PASSWORD)
    assert stopped.status_code == 429
    # A quarter of an hour after the first guess, and guesses are made slow.
    assert re.search(r"try again in 1\d min", stopped.text)
    assert 0 < int(stopped.headers["retry-after"]) <= throttle.WITHIN_SECONDS + 1
    assert stranger.post("/sign-in", username="bela.ostrander", password="x").status_code == 403, "others may try"
    advance(owner, minutes=16)
    assert stranger.post("/sign-in", username=known, password=PASSWORD).status_code == 200


def test_an_address_that_tries_many_names_is_stopped_too(
    stranger: Visitor, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST_OF_ADDRESS", 5)
    for n in range(5):
        stranger.post("/sign-in", username=f"name.{n}", password="a guess")
    assert stranger.post("/sign-in", username=known, password=PASSWORD).status_code == 429


def test_a_link_lets_in_once_and_by_looking_at_it_nobody(stranger: Visitor, web: Runtime) -> None:
    path = f"{links.PATH}{links.make(web, ADA, by='test')}"
    for _ in range(3):  # a mail scanner, a preview
        assert "Sign in as Ada Quillmore" in stranger.get(path).text
    assert stranger.get("/").url.path == "/sign-in"
    assert stranger.post(path).url.path == "/"
    again = Visitor(TestClient(stranger.http.app, base_url="http://127.0.0.1:8710"), "")
    assert again.post(path).status_code == 404
    assert "was used already" in again.get(path).text
    assert again.get("/").url.path == "/sign-in"


@pytest.mark.parametrize(("wanted", "reached"), [("/inbox?tab=mine", "/inbox"), ("//example.org", "/")])
def test_a_link_leads_back_to_where_one_wanted_to_go_and_never_to_another_site(
    stranger: Visitor, web: Runtime, wanted: str, reached: str
) -> None:
    stranger.get(f"/sign-in?{urlencode({'next': wanted})}")
    assert stranger.post(f"{links.PATH}{links.make(web, ADA, by='test')}").url.path == reached
    assert stranger.post(f"{links.PATH}{links.make(web, ADA, by='test')}").url.path == "/", "once"


def test_a_link_ends_by_itself_and_is_kept_by_its_hash_alone(stranger: Visitor, web: Runtime, owner: Database) -> None:
    token = links.make(web, ADA, by="test")
    with owner.transaction() as db:
        assert token not in str(db.execute("SELECT * FROM sign_in_links").fetchall())
    advance(owner, hours=25)
    assert stranger.post(f"{links.PATH}{token}").status_code == 404


def test_a_session_ends_by_being_idle_and_by_its_age(ada: Visitor, owner: Database) -> None:
    for _ in range(24):
        advance(owner, minutes=29)
        assert ada.get("/account").url.path == "/account", "using it keeps it"
    advance(owner, minutes=25)
    assert ada.get("/account").url.path == "/sign-in", "twelve hours are enough"


def test_an_idle_session_ends(ada: Visitor, owner: Database) -> None:
    advance(owner, minutes=31)
    assert ada.get("/account").url.path == "/sign-in"


def test_signing_out_ends_the_session_itself_not_only_its_cookie(ada: Visitor) -> None:
    kept = ada.http.cookies["longhaul_session"]
    assert ada.post("/sign-out").url.path == "/sign-in"
    ada.http.cookies.set("longhaul_session", kept)
    assert ada.get("/account").url.path == "/sign-in"


def test_the_cookie_is_random_kept_from_scripts_and_other_sites_and_known_by_its_hash(
    stranger: Visitor, web: Runtime, owner: Database
) -> None:
    signed = stranger.post(f"{links.PATH}{links.make(web, ADA, by='test')}")
    cookie = signed.history[0].headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    token = stranger.http.cookies["longhaul_session"]
    assert len(token) >= 43
    with owner.transaction() as db:
        assert token not in str(db.execute("SELECT * FROM sessions").fetchall())


def test_behind_tls_the_cookie_is_for_this_host_and_for_tls_alone(web: Runtime) -> None:
    client = TestClient(application(web), base_url="https://127.0.0.1:8710")
    path = f"{links.PATH}{links.make(web, ADA, by='test')}"
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert token
    answer = client.post(
        path, data={"csrf": token[1]}, headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False
    )
    cookies = [c for c in answer.headers.get_list("set-cookie") if "session" in c]
    assert cookies[0].startswith("__Host-longhaul_session=") and "Secure" in cookies[0] and "Path=/" in cookies[0]


def test_signing_in_again_ends_the_session_before(ada: Visitor, web: Runtime, owner: Database) -> None:
    first = ada.http.cookies["longhaul_session"]
    before = ada.token("/account")
    ada.post(f"{links.PATH}{links.make(web, 'bela.ostrander', by='test')}")
    assert ada.token("/account") != before
    ada.http.cookies.clear()
    ada.http.cookies.set("longhaul_session", first)
    assert ada.get("/account").url.path == "/sign-in"


def test_who_is_shut_out_is_out_at_once_and_not_let_in_again_by_anything(
    known: str, ada: Visitor, web: Runtime, stranger: Visitor
) -> None:
    token = links.make(web, ADA, by="test")
    assert administer.shut_out(web, ADA, by="test") == 1
    assert ada.get("/account").url.path == "/sign-in"
    assert stranger.post("/sign-in", username=ADA, password=PASSWORD).status_code == 403
    assert stranger.post(f"{links.PATH}{token}").status_code == 404
    administer.let_in(web, ADA, by="test")
    assert stranger.post("/sign-in", username=ADA, password=PASSWORD).status_code == 200


def test_a_session_of_somebody_shut_out_meanwhile_is_none(ada: Visitor, owner: Database) -> None:
    with owner.transaction() as db:
        db.execute("UPDATE users SET disabled_at = app_now() WHERE username = %s", [ADA])
    assert ada.get("/account").url.path == "/sign-in"


def test_one_sets_ones_password_after_a_link_and_is_signed_out_elsewhere(
    visitor: Callable[[str], Visitor], web: Runtime
) -> None:
    ada, elsewhere = visitor(ADA), visitor(ADA)
    short = ada.post("/account/password", new="short", again="short")
    assert short.status_code == 422 and "12 to 256 characters" in short.text
    assert "differ" in ada.post("/account/password", new=PASSWORD, again=PASSWORD + "!").text
    assert "Your password is set" in ada.post("/account/password", new=PASSWORD, again=PASSWORD).text
    assert elsewhere.get("/account").url.path == "/sign-in"
    refused = ada.post("/account/password", old="wrong", new=PASSWORD + "2", again=PASSWORD + "2")
    assert refused.status_code == 403
    assert passwords.sign_in(web, ADA, PASSWORD, address="test").username == ADA


def test_an_old_link_session_sets_no_password(ada: Visitor, owner: Database) -> None:
    advance(owner, minutes=11)
    answer = ada.post("/account/password", new=PASSWORD, again=PASSWORD)
    assert answer.status_code == 403
    assert "over ten minutes" in answer.text


def test_signing_out_elsewhere_ends_the_others_alone(visitor: Callable[[str], Visitor], web: Runtime) -> None:
    here, there, bela = visitor(ADA), visitor(ADA), visitor("bela.ostrander")
    here.post("/account/sign-out-elsewhere")
    assert [v.get("/account").url.path for v in (here, there, bela)] == ["/account", "/sign-in", "/account"]
    with web.database.transaction() as db:
        assert len(sessions.of(db, ADA)) == 1
