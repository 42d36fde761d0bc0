"""Flower is looked at through the door of the pages: by those who may, and nobody changes anything through it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from app.accounts import people
from app.accounts.people import Person
from app.core.ids import new_id, run_of_task, task_id
from app.engine.runtime import Runtime
from app.settings import Settings
from app.stack.servers.ports import choose_port
from app.store.database import Database
from app.web import flower_answers
from app.web.application import application
from app.web.http.guard import HEADERS
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page
from tests.web.pretended_flower import PAGE, Answer, PretendedFlower, pretended_flower

LOGIN = "door:a-long-enough-word"
OTHERS = (
    Person("dora.ellingway", "Dora Ellingway, Auditor", ("auditor",), Decimal(0)),
    Person("edda.marchbank", "Edda Marchbank, Administrator", ("admin",), Decimal(0)),
    Person("finn.oakhurst", "Finn Oakhurst, Supervisor", ("supervisor",), Decimal(0)),
    Person("gale.thistleton", "Gale Thistleton, Investigator", ("siu",), Decimal(0)),
)
RUN = "01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20"


@pytest.fixture
def flower() -> Iterator[PretendedFlower]:
    with pretended_flower() as running:
        yield running


@pytest.fixture
def config(database_url: str, tmp_path: Path, flower: PretendedFlower) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=tmp_path / "data",
        flower_url=flower.url,
        flower_login=LOGIN,  # type: ignore[arg-type]
    )


@pytest.fixture
def everyone(owner: Database) -> None:
    with owner.transaction() as db:
        for person in OTHERS:
            people.enrol(db, person)


@pytest.mark.usefixtures("everyone")
@pytest.mark.parametrize("name", ["carl.vintergard", "dora.ellingway", "edda.marchbank"])
def test_who_may_inspect_sees_flower(name: str, visitor: Callable[[str], Visitor], flower: PretendedFlower) -> None:
    page = visitor(name).get("/flower")
    assert page.status_code == 200
    assert "A task" in page.text
    assert [path for _, path, _ in flower.asked] == ["/flower/"]


@pytest.mark.usefixtures("everyone")
@pytest.mark.parametrize("name", ["ada.quillmore", "finn.oakhurst", "gale.thistleton"])
@pytest.mark.parametrize("path", ["/flower/", "/flower/api/tasks", "/flower/static/js/flower.js", "/flower/metrics"])
def test_nobody_else_does(name: str, path: str, visitor: Callable[[str], Visitor], flower: PretendedFlower) -> None:
    somebody = visitor(name)
    page = somebody.get(path)
    assert page.status_code == 403
    assert somebody.http.post("/flower/tasks/datatable", data={"draw": "1"}).status_code == 403
    assert "may not inspect Flower or refused messages: that is for admin or auditor or operator" in page.text
    assert flower.asked == []


def test_who_is_not_signed_in_is_asked_to_and_comes_back(web: Runtime, flower: PretendedFlower) -> None:
    stranger = TestClient(application(web), base_url="http://127.0.0.1:8710", follow_redirects=False)
    answer = stranger.get("/flower/task/x?y=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fflower%2Ftask%2Fx%3Fy%3D1")
    assert stranger.post("/flower/tasks/datatable", data={"draw": "1"}).status_code == 303
    assert flower.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/flower/", "/flower/api/worker/shutdown/w1@host", "/flower/api/task/revoke/x"])
def test_nothing_is_changed_through_the_door(method: str, path: str, carl: Visitor, flower: PretendedFlower) -> None:
    answer = carl.http.request(method, path, headers=dict(carl.headers), data={"csrf": carl.token("/sign-in")})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "Flower can only be looked at from here: nothing but GET and HEAD passes." in answer.text
    assert flower.asked == []


def test_methods_nobody_named_are_refused_too(carl: Visitor, flower: PretendedFlower) -> None:
    for method in ("TRACE", "PROPFIND", "PURGE"):
        assert carl.http.request(method, "/flower/").status_code == 405
    assert flower.asked == []


def test_a_head_is_asked_as_a_head(carl: Visitor, flower: PretendedFlower) -> None:
    answer = carl.http.head("/flower/tasks")
    assert (answer.status_code, answer.content) == (200, b"")
    assert [(method, path) for method, path, _ in flower.asked] == [("HEAD", "/flower/tasks")]


def test_the_list_of_tasks_is_asked_for_by_a_post_that_reaches_flower_as_a_get(
    carl: Visitor, flower: PretendedFlower
) -> None:
    flower.says["/flower/tasks/datatable"] = Answer(
        headers=[("Content-Type", "application/json")], pieces=[b'{"draw": 1}']
    )
    asked = carl.http.post(
        "/flower/tasks/datatable", data={"draw": "1", "search[value]": "a b"}, headers=dict(carl.headers)
    )
    assert asked.json() == {"draw": 1}
    method, path, headers = flower.asked[0]
    assert (method, path) == ("GET", "/flower/tasks/datatable?draw=1&search%5Bvalue%5D=a+b")
    assert headers["Content-Length"] is None

    foreign = carl.http.post("/flower/tasks/datatable", data={"draw": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    long = carl.http.post("/flower/tasks/datatable", data={"draw": "1" * 20_000}, headers=dict(carl.headers))
    assert long.status_code == 413
    assert len(flower.asked) == 1


def test_flower_hears_nothing_of_who_asks(carl: Visitor, flower: PretendedFlower) -> None:
    token, csrf = carl.http.cookies["longhaul_session"], carl.token()
    carl.http.cookies.set("other", "of-this-host")
    carl.http.get(
        "/flower/task/x",
        headers=dict(carl.headers)
        | {
            "Authorization": "Bearer lh_key",
            "X-CSRF-Token": csrf,
            "X-XSRFToken": csrf,
            "Proxy-Authorization": "Basic x",
            "Connection": "keep-alive, X-Hop",
            "X-Hop": "1",
            "TE": "trailers",
            "Upgrade": "h2c",
            "Referer": "http://127.0.0.1:8710/runs/1",
            "X-Forwarded-For": "10.0.0.1",
            "Forwarded": "for=10.0.0.1",
            "Range": "bytes=0-3",
            "Accept-Language": "cy",
        },
    )
    heard = flower.asked[0][2]
    assert {name.lower() for name in heard} <= {
        "host",
        "accept",
        "accept-language",
        "accept-encoding",
        "user-agent",
        "authorization",
    }
    assert heard["Accept-Language"] == "cy"
    assert heard["Authorization"] == f"Basic {base64.b64encode(LOGIN.encode()).decode()}"
    assert not any(secret in str(heard) for secret in (token, csrf, "of-this-host", "lh_key"))


def test_flower_leaves_nothing_in_the_browser(carl: Visitor, flower: PretendedFlower) -> None:
    token = carl.http.cookies["longhaul_session"]
    flower.says["/flower/tasks"] = Answer(
        headers=[
            ("Content-Type", "text/html"),
            ("Set-Cookie", "longhaul_session=of-flower; Path=/"),
            ("Set-Cookie", "_xsrf=2|1; Path=/"),
            ("Keep-Alive", "timeout=5"),
            ("Access-Control-Allow-Origin", "*"),
            ("Content-Security-Policy", "default-src *"),
            ("X-Frame-Options", "ALLOWALL"),
            ("Clear-Site-Data", '"cookies"'),
            ("Refresh", "0; url=http://evil.example/"),
            ("Link", "<http://evil.example/x.css>; rel=stylesheet"),
            ("ETag", '"7"'),
        ],
    )
    page = carl.get("/flower/tasks")
    assert dict(carl.http.cookies)["longhaul_session"] == token
    assert set(page.headers) == {name.lower() for name in HEADERS} | {"content-type", "etag", "cache-control"}
    assert page.headers["x-frame-options"] == "DENY"


def test_flowers_pages_run_flowers_own_scripts_only_and_ours_stay_as_strict_as_they_were(carl: Visitor) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in carl.get("/flower/tasks").headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    words = " ".join(policy.values()).split()
    assert not any(word.startswith(("http", "ws", "*", "'unsafe")) for word in words)
    for path in ("/", "/runs", "/sign-in"):
        assert carl.get(path).headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        f"/flower/task/{RUN}.FIRST.1",
        "/flower/worker/steps%40host%2F1",
        "/flower/workers?json=1&a=%26%20b",
        "/flower/task/a%3Fb",
    ],
)
def test_the_address_passes_as_it_was_sent(path: str, carl: Visitor, flower: PretendedFlower) -> None:
    carl.get(path)
    assert flower.asked[0][1] == path


@pytest.mark.parametrize(
    "path", ["/flower/%2e%2e/admin", "/flower/task/%2E./%2e%2e%2fadmin", "/flower/a%2f..%2f..%2fadmin"]
)
def test_no_address_leads_out_of_flowers_folder(path: str, carl: Visitor, flower: PretendedFlower) -> None:
    assert carl.get(path).status_code == 404
    assert flower.asked == []


def test_a_large_file_comes_through_whole(carl: Visitor, flower: PretendedFlower) -> None:
    pieces = [bytes([n % 251]) * 100_000 for n in range(60)]
    flower.says["/flower/static/js/large.js"] = Answer(headers=[("Content-Type", "text/javascript")], pieces=pieces)
    assert carl.get("/flower/static/js/large.js").content == b"".join(pieces)


# Ways between Flower and runs.


def test_a_line_of_ours_leads_from_a_steps_task_to_its_run_wherever_the_page_was_cut(
    carl: Visitor, flower: PretendedFlower
) -> None:
    path, at = f"/flower/task/{RUN}.FIRST.1", PAGE.index(b"<main")
    for cut in range(at - 1, at + 7):
        flower.says[path] = Answer(pieces=[PAGE[:cut], PAGE[cut:]])
        page = carl.get(path).text
        assert f'href="/runs/{RUN}">The run of this step</a>' in page, PAGE[:cut]
        before, _, after = page.partition('<nav aria-label="Longhaul"')
        assert before + after.partition("</nav>")[2] == PAGE.decode()


def test_other_pages_lead_home_and_what_is_no_page_is_left_alone(carl: Visitor, flower: PretendedFlower) -> None:
    sweep = carl.get(f"/flower/task/{new_id()}").text
    assert 'href="/">Longhaul</a>' in sweep
    assert "/runs/" not in sweep
    flower.says["/flower/api/task/info/x"] = Answer(headers=[("Content-Type", "application/json")], pieces=[b'"<main"'])
    assert carl.get("/flower/api/task/info/x").text == '"<main"'
    flower.says["/flower/bare"] = Answer(pieces=[b"<p>no place", b" for a line"])
    assert carl.get("/flower/bare").text == "<p>no place for a line"


@pytest.mark.parametrize("text", ["", RUN, f"{RUN}.1", f"{RUN}.FIRST", f"{RUN}..1", "x.FIRST.1", f'{RUN}"><b>.FIRST.1'])
def test_what_is_no_task_id_of_a_step_names_no_run(text: str) -> None:
    assert run_of_task(text) is None
    assert str(run_of_task(f"{RUN}.FIRST.17")) == RUN


def test_a_runs_page_leads_to_its_tasks_for_those_who_may_look(
    carl: Visitor, ada: Visitor, desk: Desk, owner: Database
) -> None:
    run = desk.file("CMP-1")
    ada.answer(task_of(owner, run), "pay")
    desk.work()
    pages = [f"/runs/{run}", f"/runs/{run}/events/call-1-0"]
    for path in pages:
        assert f'href="/flower/task/{run}.' in carl.get(path).text
        assert "/flower" not in ada.get(path).text
    links = [a["href"] or "" for a in Page(carl.get(pages[0]).text).all("a") if "/flower/task/" in (a["href"] or "")]
    tasks = [f"/flower/task/{task_id(run, s, n)}" for s, n in (("READING", 1), ("AWAITING_REVIEW", 2), ("DECIDING", 3))]
    assert links == [*tasks, *tasks], "once by the bar of each step, once in the timeline"


# What goes wrong.


def test_where_no_flower_is_named_nothing_leads_there_and_the_page_says_how_to_have_one(
    carl: Visitor, web: Runtime, desk: Desk
) -> None:
    web.settings.flower_url = ""
    assert "/flower" not in carl.get(f"/runs/{desk.file('CMP-1')}").text
    page = carl.get("/flower/")
    assert page.status_code == 503
    assert "LONGHAUL_FLOWER_URL" in page.text


def test_a_flower_that_does_not_run_is_told_with_what_to_do(carl: Visitor, web: Runtime) -> None:
    web.settings.flower_url = f"http://127.0.0.1:{choose_port(0, named_by=None)}"
    page = carl.get("/flower/tasks")
    assert page.status_code == 503
    assert "Flower does not answer at 127.0.0.1:" in page.text
    assert "celery -A tasks flower --url-prefix=flower" in page.text
    assert LOGIN not in page.text


def test_a_flower_that_hangs_is_not_waited_for_for_ever(
    carl: Visitor, flower: PretendedFlower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flower_answers, "_TIMEOUT", httpx.Timeout(0.2))
    hangs = threading.Event()
    flower.says["/flower/broker"] = Answer(hangs=hangs)
    try:
        page = carl.get("/flower/broker")
    finally:
        hangs.set()
    assert page.status_code == 504
    assert "did not answer in time" in page.text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(breaks_off=True), "broke off its answer"),
        (Answer(status=401, headers=[("WWW-Authenticate", 'Basic realm="flower"')]), "LONGHAUL_FLOWER_LOGIN"),
        (Answer(status=302, headers=[("Location", "https://accounts.example/login")]), "LONGHAUL_FLOWER_LOGIN"),
        (Answer(status=302, headers=[("Location", "//evil.example/flower/")]), "LONGHAUL_FLOWER_LOGIN"),
        (Answer(status=302, headers=[("Location", "/login")]), "LONGHAUL_FLOWER_LOGIN"),
        (Answer(status=404), "--url-prefix=flower"),
        (Answer(status=500, pieces=[b"Traceback: the broker's password"]), "it answered 500"),
    ],
)
def test_what_flower_should_not_say_becomes_a_page_of_ours(
    answer: Answer, said: str, carl: Visitor, flower: PretendedFlower
) -> None:
    flower.says["/flower/"] = answer
    page = carl.get("/flower/")
    assert page.status_code == 502
    assert said in page.text
    assert "Traceback" not in page.text
    assert "www-authenticate" not in page.headers
    assert page.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_a_redirect_within_flower_and_what_it_does_not_know_pass(carl: Visitor, flower: PretendedFlower) -> None:
    flower.says["/flower/old"] = Answer(status=302, headers=[("Location", f"{flower.url}/flower/tasks?a=1")])
    moved = carl.http.get("/flower/old", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (302, "/flower/tasks?a=1")
    flower.says["/flower/task/x"] = Answer(status=404)
    assert carl.get("/flower/task/x").status_code == 404
    flower.says["/flower/static/a.js"] = Answer(status=304, headers=[("ETag", '"7"')], pieces=[])
    assert carl.get("/flower/static/a.js").status_code == 304


def test_an_address_of_flower_holds_neither_path_nor_login() -> None:
    for url in ("127.0.0.1:8712", "http://h/flower", "http://user:word@h:1", "file:///etc"):
        with pytest.raises(ValueError, match="without a path or a login"):
            Settings(flower_url=url)
