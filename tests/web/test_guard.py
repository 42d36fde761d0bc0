"""What no request can do: change anything by a GET, be sent by another site, or get a page without its headers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from app.core.errors import LonghaulError
from app.engine.runtime import Runtime
from app.store.database import Database
from app.store.reads import alert_list, pages
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of


@pytest.fixture
def task(desk: Desk, owner: Database) -> UUID:
    return task_of(owner, desk.file("CMP-1"))


def everything(database: Database) -> str:
    """A digest of every row of every table."""
    with database.transaction() as db:
        names = db.execute("SELECT relname FROM pg_stat_user_tables ORDER BY relname").fetchall()
        rows = [
            db.execute(f"SELECT string_agg(t::text, '|' ORDER BY t::text) AS all FROM {row['relname']} t").fetchone()
            for row in names
        ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_every_answer_carries_its_headers(ada: Visitor, task: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        ada.get(path)
        for path in ("/inbox", f"/tasks/{task}", "/runs", "/nowhere", "/static/style.css", "/healthz", "/sign-in")
    ]
    answers += [ada.http.get("/", headers={"host": "evil.example"}), ada.http.post("/sign-out"), ada.http.put("/")]
    with monkeypatch.context() as broken:
        broken.setattr(alert_list, "still_open", None)
        answers.append(ada.get("/alerts"))
    answers += ada.post("/sign-out").history
    assert [a.status_code for a in answers] == [200, 200, 200, 404, 200, 503, 200, 421, 400, 405, 500, 303]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-inline'" not in policy
        assert re.findall(r"(?:script|connect)-src ([^;]*)", policy) == ["'self'", "'self'"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "max-age" in answer.headers["cache-control"] or answer.headers["cache-control"] == "no-store"


def test_a_fault_of_ours_says_nothing_of_the_inside(ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_list, "still_open", None)
    page = ada.get("/alerts").text
    assert "Something went wrong on our side" in page
    assert "NoneType" not in page


@pytest.mark.parametrize("host", ["127.0.0.1:8710", "localhost", "localhost:9", "[::1]:8710", "10.1.2.3"])
def test_our_own_names_are_answered(ada: Visitor, host: str) -> None:
    assert ada.http.get("/sign-in", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8710", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_a_foreign_name_is_refused_and_the_right_setting_named(ada: Visitor, host: str) -> None:
    refused = ada.http.get("/sign-in", headers={"host": host})
    assert refused.status_code == 421
    assert "set LONGHAUL_PUBLIC_URL" in refused.text


def test_a_get_changes_nothing(ada: Visitor, desk: Desk, owner: Database, task: UUID) -> None:
    """As a mail scanner or a prefetching browser would: every link of every page, and the forms' addresses too."""
    desk.file("CMP-2")
    before = everything(owner)
    seen, todo = set[str](), ["/", "/inbox", "/overview/parts", "/runs", "/alerts", "/sign-in", "/healthz"]
    while todo:
        path = todo.pop().split("#")[0]
        if path and path not in seen and path.startswith("/"):
            seen.add(path)
            todo += re.findall(r'(?:href|action)="([^"]+)"', ada.get(path).text)
    assert {f"/tasks/{task}", f"/tasks/{task}/claim", "/sign-out"} <= seen
    assert len(seen) > 12
    assert everything(owner) == before


def test_postgres_itself_refuses_a_write_on_a_page(web: Runtime) -> None:
    with pytest.raises(pages.DATABASE_PROBLEM, match="read-only transaction"), pages.snapshot(web.database) as db:
        db.execute("UPDATE users SET authority = 1")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:1"},
    ],
)
def test_another_sites_form_is_refused_even_with_the_token(
    ada: Visitor, owner: Database, task: UUID, headers: dict[str, str]
) -> None:
    token, before = ada.token(), everything(owner)
    answer = ada.http.post(f"/tasks/{task}/claim", data={"csrf": token}, headers=headers)
    assert answer.status_code == 403
    assert everything(owner) == before


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:8710"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_our_own_form_is_taken_from_any_browser(ada: Visitor, task: UUID, headers: dict[str, str]) -> None:
    assert ada.http.post(f"/tasks/{task}/claim", data={"csrf": ada.token()}, headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong", "ä"])
@pytest.mark.parametrize(
    "path", ["/tasks/{task}/complete", "/tasks/{task}/claim", "/tasks/{task}/release", "/sign-in", "/sign-out"]
)
def test_a_form_without_the_sessions_token_is_refused(
    ada: Visitor, owner: Database, task: UUID, token: str | None, path: str
) -> None:
    before = everything(owner)
    form = {"outcome": "pay", "row_version": "1", "answer.comment": "Kept <b>text</b>", "username": "ada.quillmore"}
    answer = ada.http.post(path.format(task=task), data=form | ({"csrf": token} if token is not None else {}))
    assert answer.status_code == 403
    assert "Kept &lt;b&gt;text&lt;/b&gt;" in answer.text, "the person's text is given back, as text"
    assert everything(owner) == before


def test_another_sessions_token_is_refused(visitor: Callable[[str], Visitor], task: UUID) -> None:
    ada, bela = visitor("ada.quillmore"), visitor("bela.ostrander")
    assert ada.http.post(f"/tasks/{task}/claim", data={"csrf": bela.token()}).status_code == 403


def test_what_is_no_form_of_ours_is_refused(ada: Visitor, task: UUID) -> None:
    path = f"/tasks/{task}/complete"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert ada.http.post(path, json={"csrf": ada.token()}).status_code == 400
    assert ada.http.post(path, files={"csrf": b"x"}).status_code == 400
    assert ada.http.post(path, content=b"a=" + b"x" * 1_100_000, headers=kind).status_code == 400
    assert ada.http.post(path, content=b"&".join(b"f=1" for _ in range(600)), headers=kind).status_code == 400
    assert ada.http.post(path, content=b"\xff\xfe=%ff%00&csrf=%zz", headers=kind).status_code == 403


def test_a_document_is_saved_never_shown(ada: Visitor, desk: Desk, web: Runtime, tmp_path: Path) -> None:
    run = desk.file("CMP-2")
    stored = web.documents.put(b"<script>alert(1)</script>", 'in"voi\nce é.html')
    other = web.documents.put(b"of nobody", "other.txt")
    with desk.worker.database.transaction() as db:
        from app.core.ids import new_id
        from app.store.records.documents import insert

        insert(db, new_id(), run, **stored.model_dump(), by="claimant")
    answer = ada.get(f"/runs/{run}/documents/{stored.sha256}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''in%22voi")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert stored.sha256 in ada.get(f"/runs/{run}").text
    for sha256 in (other.sha256, "0" * 64, "..%2F..%2Fetc%2Fpasswd", "x"):
        assert ada.get(f"/runs/{run}/documents/{sha256}").status_code == 404


def test_every_error_of_ours_has_a_page(ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_it(*_: object, **__: object) -> None:
        raise LonghaulError("a <b>thing</b> happened")

    monkeypatch.setattr(alert_list, "still_open", raise_it)
    answer = ada.get("/alerts")
    assert answer.status_code == 500
    assert "a &lt;b&gt;thing&lt;/b&gt; happened" in answer.text
