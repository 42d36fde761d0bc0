"""A claimant's link lets in whoever has it, to one run, for one purpose, until it expires or is revoked; a GET changes nothing.

What is sent by it moves the run on; what was sent before is recognised; nothing is lost silently, and memory does not grow
with what is sent.
"""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from app.insurance import intake
from app.insurance.claimant import claimant_links
from app.insurance.claimant import files as claimant_files
from app.web.application import application
from tests.support.claimants import PDF, Claimant, Post, post_office
from tests.support.claims import Office
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee


@pytest.fixture
def post(database_url: str, tmp_path: Path) -> Iterator[Post]:
    with post_office(database_url, tmp_path / "data") as found:
        yield found


def everything(post: Post) -> str:
    """A digest of every row of every table."""
    names = [row["relname"] for row in post.journey.rows("SELECT relname FROM pg_stat_user_tables ORDER BY relname")]
    rows = [post.journey.rows(f"SELECT string_agg(t::text, '|' ORDER BY t::text) AS a FROM {name} t") for name in names]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def is_calm(answer: Any) -> bool:
    """Whether an answer is the page of a link that does not let in."""
    return answer.status_code == 404 and "This link cannot be used" in answer.text and "CLM-" not in answer.text


def test_what_a_claimant_sends_by_a_link_moves_the_real_claim_on(make_stack: MakeStack) -> None:
    stack = make_stack()
    stack.workers(1)
    stack.beat()
    with closing(Office(stack)) as office:
        sample = office.sample("missing_police_report")
        run_id = office.submit(sample.folder)
        stack.until_status(run_id, "WAITING_FOR_EVENT")
        made = claimant_links.make(office.rt, run_id, by="demo-adjuster", asks="police report")
        claimant = Claimant(TestClient(application(office.rt), base_url="http://127.0.0.1:8710"), made.token)
        page = claimant.get().text
        assert "police report" in page
        assert sample.claim in page
        report = office.sample("clean").folder / "Police Report.pdf"
        answer = claimant.send((report.name, report.read_bytes()))
        assert answer.status_code == 200
        assert "Thank you. We have received" in answer.text
        stack.wait(lambda: stack.run(run_id)["state"] == "AWAITING_HUMAN_REVIEW", "the claim to be reviewed")
        (sent,) = [move for move in stack.moves(run_id) if move["event"] == "signals came"]
        assert sent["actor"] == f"claimant:{made.id}"
        assert "Nothing is needed from you at the moment" in claimant.get().text


def test_a_link_sees_what_is_asked_and_nothing_of_the_inside(post: Post) -> None:
    run_id = post.run(missing=("police_report", "repair_estimate"))
    claimant, _ = post.link(run_id)
    page = claimant.get()
    assert page.status_code == 200
    for told in (
        "police report",
        "repair estimate",
        "We could not read the file scan.doc",
        "10 files",
        "25 MB",
        "CLM-1",
    ):
        assert told in page.text
    for inside in ("WAITING_FOR", "papers", str(run_id), "ada", "adjuster", "UNSUPPORTED_TYPE", "police_report"):
        assert inside not in page.text, inside
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "set-cookie" not in page.headers
    (row,) = post.journey.rows("SELECT * FROM upload_links")
    assert claimant.token not in repr(row), "the secret is kept nowhere"


def test_following_a_link_changes_nothing_whoever_follows_it(post: Post) -> None:
    claimant, _ = post.link(post.run())
    before = everything(post)
    for _ in range(3):
        assert claimant.get().status_code == 200
        assert claimant.http.head(f"/c/{claimant.token}").status_code == 200
        assert is_calm(claimant.get("no-such-link"))
        assert is_calm(claimant.http.get(f"/c/{claimant.token}/more"))
    assert everything(post) == before


def test_what_was_sent_moves_the_run_on_and_is_shown_with_its_time(post: Post) -> None:
    run_id = post.run()
    claimant, link = post.link(run_id)
    answer = claimant.send(("police report.pdf", PDF), ("photo.png", b"\x89PNG\r\n\x1a\n" + b"0" * 99))
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert sorted(post.documents(run_id)) == ["photo.png", "police report.pdf"]
    assert post.journey.run(run_id)["status"] == "READY"
    post.journey.go()
    assert post.journey.run(run_id)["state"] == "RESTING"
    page = claimant.get().text
    assert "Nothing is needed from you at the moment" in page
    assert "What we have received from you" in page
    assert page.count("<time datetime=") == 3
    (row,) = post.journey.rows("SELECT uploads, actor FROM upload_links, signals")
    assert (row["uploads"], row["actor"]) == (1, f"claimant:{link}")
    post.journey.advance_clock(timedelta(hours=2))
    post.journey.tamper("UPDATE runs SET status = 'COMPLETE', finished_at = app_now() WHERE id = %s", run_id)
    ended = claimant.send(("late.pdf", PDF + b"late"), form=claimant_links.form_token(claimant.token))
    assert ended.status_code == 409
    assert "your claim has been closed" in ended.text
    assert "late.pdf" not in post.documents(run_id)
    assert claimant.form() == "", "a closed claim has no form"


def test_a_file_sent_twice_is_recognised_and_said(post: Post) -> None:
    run_id = post.run()
    claimant, _ = post.link(run_id)
    claimant.send(("report.pdf", PDF))
    post.journey.go()
    again = claimant.send(("the same under another name.pdf", PDF))
    assert again.status_code == 200
    assert "We have these already" in again.text
    assert "the same under another name.pdf" in again.text
    mixed = claimant.send(("report.pdf", PDF), ("new.pdf", PDF + b"new"), ("new again.pdf", PDF + b"new"))
    assert "sent twice just now" in mixed.text
    assert "Thank you. We have received" in mixed.text
    assert post.documents(run_id) == ["report.pdf", "new.pdf"]
    assert len(post.journey.rows("SELECT 1 FROM signals")) == 2


def test_each_file_that_cannot_be_taken_is_named_with_the_reason(post: Post) -> None:
    run_id = post.run()
    claimant, _ = post.link(run_id)
    word = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 99
    answer = claimant.send(
        ("letter.doc", word), ("empty.pdf", b""), ("<b>\u202eevil.pdf", b"\x00\x01\x02"), ("good.pdf", PDF)
    )
    assert answer.status_code == 200
    for told in (
        "letter.doc</bdi>: it is an old Word or Excel document",
        "empty.pdf</bdi>: it is empty",
        "&lt;b&gt;evil.pdf</bdi>: it is no kind of file we know",
    ):
        assert told in answer.text, told
    assert post.documents(run_id) == ["good.pdf"]
    many = claimant.send(*((f"{n}.pdf", PDF + str(n).encode()) for n in range(12)))
    assert "10.pdf</bdi>: only 10 files can be sent at a time" in many.text
    assert len(post.documents(run_id)) == 11
    none = claimant.send()
    assert none.status_code == 422
    assert "No file was chosen" in none.text
    assert claimant.send(("letter.doc", word)).status_code == 422


def test_a_link_takes_no_more_files_than_a_claim_may_have(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_FILES", 3)
    run_id = post.run()
    claimant, _ = post.link(run_id)
    claimant.send(("1.pdf", PDF + b"1"), ("2.pdf", PDF + b"2"))
    full = claimant.send(("2 again.pdf", PDF + b"2"), ("3.pdf", PDF + b"3"), ("4.pdf", PDF + b"4"))
    assert "4.pdf</bdi>: this link has taken 3 files" in full.text
    assert "We have these already" in full.text
    assert sorted(post.documents(run_id)) == ["1.pdf", "2.pdf", "3.pdf"]


def test_an_expired_link_lets_nobody_in(post: Post) -> None:
    run_id = post.run()
    claimant, _ = post.link(run_id, days=2)
    form = claimant.form()
    post.journey.advance_clock(timedelta(days=2) - timedelta(minutes=1))
    assert claimant.get().status_code == 200
    post.journey.advance_clock(timedelta(minutes=2))
    assert is_calm(claimant.get())
    assert is_calm(claimant.send(("late.pdf", PDF), form=form))
    assert post.documents(run_id) == []


def test_a_revoked_link_lets_nobody_in_and_looks_like_one_that_never_was(post: Post) -> None:
    run_id = post.run()
    claimant, link = post.link(run_id)
    form = claimant.form()
    claimant_links.revoke(post.web, link, by="ada", run_id=run_id)
    revoked = claimant.get()
    assert is_calm(revoked)
    assert is_calm(claimant.send(("late.pdf", PDF), form=form))
    assert revoked.text == claimant.get("A" * 43).text
    assert post.documents(run_id) == []


def test_a_link_revoked_while_files_are_on_their_way_takes_none(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = post.run()
    claimant, link = post.link(run_id)
    kept = claimant_files._kept

    def meanwhile(*of: Any) -> Any:
        claimant_links.revoke(post.web, link, by="ada")
        return kept(*of)

    monkeypatch.setattr(claimant_files, "_kept", meanwhile)
    assert is_calm(claimant.send(("report.pdf", PDF)))
    assert post.documents(run_id) == []
    assert post.journey.run(run_id)["status"] == "WAITING_FOR_EVENT"
    assert post.journey.rows("SELECT 1 FROM signals") == []


def test_a_link_is_for_its_own_run_and_a_form_for_its_own_link(post: Post) -> None:
    first, second = post.run("CLM-1"), post.run("CLM-2")
    (mine, my_link), (other, _) = post.link(first), post.link(second)
    stolen = mine.send(("report.pdf", PDF), form=other.form())
    assert stolen.status_code == 403
    assert mine.send(("report.pdf", PDF), form="").status_code == 403
    foreign = mine.send(("report.pdf", PDF), headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert post.documents(first) == post.documents(second) == []
    mine.send(("report.pdf", PDF))
    assert (post.documents(first), post.documents(second)) == (["report.pdf"], [])
    assert post.journey.run(second)["status"] == "WAITING_FOR_EVENT"
    assert "report.pdf" not in other.get().text
    with pytest.raises(Exception, match="there is no link"):
        claimant_links.revoke(post.web, my_link, by="ada", run_id=second)
    for path in ("/", "/inbox", "/runs", f"/runs/{first}"):
        assert "/sign-in" in str(mine.http.get(path).url), "a link opens nothing else"


def test_too_many_sendings_are_told_when_to_try_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claimant_links, "PER_LINK", 3)
    claimant, _ = post.link(post.run())
    assert [claimant.send(("a.doc", b"")).status_code for _ in range(4)] == [422, 422, 422, 429]
    late = claimant.send(("a.doc", b""))
    assert "Please try again in 10 minutes" in late.text
    assert 500 < int(late.headers["retry-after"]) <= 600
    assert claimant.get().status_code == 200, "looking is never too often"
    post.journey.advance_clock(timedelta(minutes=11))
    assert claimant.send(("a.pdf", PDF)).status_code == 200
    monkeypatch.setattr(claimant_links, "PER_ADDRESS", 2)
    stranger = Claimant(claimant.http, "B" * 43)
    assert [stranger.send(("a.pdf", PDF), form="x").status_code for _ in range(3)] == [404, 429, 429]
    assert len(post.journey.rows("SELECT 1 FROM upload_rates")) == 3, "links that are made up leave no rows"


def test_a_file_of_30_mb_is_refused_by_its_name_and_never_held_in_memory(post: Post) -> None:
    run_id = post.run()
    claimant, _ = post.link(run_id)
    head = (
        f'--B\r\nContent-Disposition: form-data; name="form"\r\n\r\n{claimant.form()}\r\n'
        '--B\r\nContent-Disposition: form-data; name="files"; filename="huge.pdf"\r\n\r\n'
    ).encode()
    tail = (
        b'\r\n--B\r\nContent-Disposition: form-data; name="files"; filename="small.pdf"\r\n\r\n'
        + PDF
        + b"\r\n--B--\r\n"
    )
    block = b"%PDF" + b"x" * (64 * 1024 - 4)
    chunks = iter([head, *[block] * (30 * 16), tail])
    status, page = _ask(claimant, lambda: next(chunks, None))
    assert status == 200
    assert "huge.pdf</bdi>: it is larger than 25 MB" in page
    assert post.documents(run_id) == ["small.pdf"]


def test_what_is_more_than_all_that_is_allowed_is_not_read_to_its_end(post: Post) -> None:
    run_id = post.run()
    claimant, _ = post.link(run_id)
    read = 0
    form = claimant.form()
    head = (
        f'--B\r\nContent-Disposition: form-data; name="form"\r\n\r\n{form}\r\n'
        '--B\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
    )
    first = iter([head.encode()])

    def more() -> bytes:
        nonlocal read
        read += 1024 * 1024
        return next(first, b"") or b"y" * (1024 * 1024)

    status, page = _ask(claimant, more)
    assert status == 413
    assert "at most 10 files at a time" in page
    assert read < 260 * 1024 * 1024
    assert post.documents(run_id) == []


def _ask(claimant: Claimant, chunk: Any) -> tuple[int, str]:
    """Send a body piece by piece, as the server would hand it on; the answer. At most a few MB may be held meanwhile."""
    path = f"/c/{claimant.token}"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8710),
        "client": ("127.0.0.1", 9),
        "headers": [(b"host", b"127.0.0.1:8710"), (b"content-type", b"multipart/form-data; boundary=B")],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        body = chunk()
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    async def send(message: dict[str, Any]) -> None:  # the protocol wants a coroutine
        sent.append(message)

    async def ask() -> None:
        await claimant.http.app(scope, receive, send)  # type: ignore[arg-type]

    claimant.get()  # what is loaded once is not counted
    tracemalloc.start()
    try:
        anyio.run(ask)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * 1024 * 1024, f"{peak / 1024 / 1024:.1f} MB were held"
    page = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], page.decode()
