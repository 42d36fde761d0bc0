"""What a program may rely on: keys, scopes, versions, repeated requests, lists that go on, problems that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from app.accounts import keys
from app.core.errors import BadInput
from app.engine.process.refusals import refused
from app.engine.runtime import Runtime
from app.humans.complete import complete
from app.insurance import intake
from app.insurance.api.claims import LIMITS
from app.store.database import Database
from app.store.records import refused as refused_messages
from app.web.api.caller import Rates
from tests.support.clock import later
from tests.web.api.conftest import Program
from tests.web.complaints import ANSWER_GIVEN, Desk
from tests.web.conftest import Visitor, task_of

Make = Callable[..., Program]
CARL = "carl.vintergard"


@pytest.fixture
def task(desk: Desk, owner: Database) -> UUID:
    return task_of(owner, desk.file("CMP-1"))


def comments(owner: Database) -> int:
    with owner.transaction() as db:
        row = db.execute("SELECT count(*) AS n FROM human_task_comments").fetchone()
        assert row
        return int(row["n"])


def test_a_claim_is_sent_read_and_found_by_its_number(program: Make) -> None:
    ada = program()
    sent = ada.post("/claims", {"claim": "CLM-1", "policy_number": "P-1"})
    assert (sent.status_code, sent.json()["new"]) == (201, True)
    again = ada.post("/claims", {"claim": "CLM-1", "policy_number": "P-1"})
    assert (again.status_code, again.json()["run_id"]) == (200, sent.json()["run_id"])
    found = ada.get("/runs/CLM-1")
    assert sent.headers["location"] == f"/api/v1/runs/{found.json()['id']}"
    for part in ("explain", "trace", "transitions", "documents", "signals"):
        assert ada.get(f"/runs/CLM-1/{part}").status_code == 200


def test_a_claim_that_exists_with_another_statement_is_named_and_no_key_that_nobody_sent(program: Make) -> None:
    ada = program()
    said = {"claim": "CLM-8", "amount_claimed": "3,871.13"}
    run = ada.post("/claims", said).json()["run_id"]
    again = ada.post("/claims", said | {"amount_claimed": "3871.13"})
    assert (again.status_code, again.json()["run_id"]) == (200, run), "the same amount, written otherwise"
    for headers in ({}, {"Idempotency-Key": "mine-1"}):
        other = ada.post("/claims", said | {"amount_claimed": "1.00"}, headers=headers)
        assert other.status_code == 409
        assert "'CLM-8' exists with another statement" in other.json()["detail"] and run in other.json()["detail"]
        assert "key" not in other.json()["detail"]
    assert ada.post("/claims", {"claim": "CLM-9"}, headers={"Idempotency-Key": "mine-2"}).status_code == 201
    reused = ada.post("/claims", {"claim": "CLM-10"}, headers={"Idempotency-Key": "mine-2"})
    assert reused.status_code == 409 and "'mine-2'" in reused.json()["detail"]


def test_a_claim_stated_with_an_amount_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, web: Runtime) -> None:
    (tmp_path / "claim.json").write_text('{"claim": "CLM-11", "amount_claimed": "3.871"}')
    with pytest.raises(BadInput, match=r"amount_claimed: '3\.871' cannot be taken.*two ways"):
        intake.submit_folder(web, tmp_path)


def test_a_fork_is_a_run_of_its_own_and_made_once_per_key(program: Make, desk: Desk) -> None:
    ada, carl = program(), program(CARL)
    desk.file("CMP-1")
    body = {"step_seq": 1, "reason": "The policy was wrong."}
    made = carl.post("/runs/CMP-1/fork", body, headers={"Idempotency-Key": "f-1"})
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "READING"
    assert carl.post("/runs/CMP-1/fork", body, headers={"Idempotency-Key": "f-1"}).json() == made.json()
    fork = carl.get(f"/runs/{made.json()['run_id']}").json()
    assert fork["forked_from"] == made.json()["forked_from"] and fork["subject"] == "CMP-1"
    assert ada.post("/runs/CMP-1/fork", body).status_code == 403
    assert carl.post("/runs/CMP-1/fork", {**body, "step_seq": 9}).status_code == 404


def test_documents_go_in_and_come_out_as_attachments(program: Make) -> None:
    ada = program()
    files = [("documents", ("a.txt", b"A hundred euros", "text/plain")), ("documents", ("b.txt", b"Two", "text/plain"))]
    sent = ada.ask("POST", "/claims", files=files, data={"claim": '{"claim": "CLM-2"}'})
    assert (sent.status_code, sent.json()["documents"]) == (201, 2)
    more = ada.ask("POST", "/runs/CLM-2/documents", files=[("documents", ("c.txt", b"Three", "text/plain"))])
    assert more.status_code == 201
    listed = ada.get("/runs/CLM-2/documents").json()["items"]
    assert {d["filename"] for d in listed} == {"a.txt", "b.txt", "c.txt"}
    first = next(d for d in listed if d["filename"] == "a.txt")
    saved = ada.get(f"/runs/CLM-2/documents/{first['sha256']}")
    assert saved.content == b"A hundred euros"
    assert saved.headers["content-disposition"].startswith("attachment")


def test_a_repeated_post_is_done_once_and_answered_alike(program: Make, owner: Database, task: UUID) -> None:
    ada = program()
    key = {"Idempotency-Key": "k-1"}
    first = ada.post(f"/tasks/{task}/comments", {"body": "Rang them"}, headers=key)
    again = ada.post(f"/tasks/{task}/comments", {"body": "Rang them"}, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert comments(owner) == 1
    other = ada.post(f"/tasks/{task}/comments", {"body": "Something else"}, headers=key)
    assert other.status_code == 409
    assert "another body" in other.json()["detail"]
    assert program("bela.ostrander").post(f"/tasks/{task}/comments", {"body": "Me too"}, headers=key).status_code == 201


def test_of_many_at_once_under_one_key_one_is_done(program: Make, owner: Database, task: UUID) -> None:
    ada = program()

    def send(_: int) -> tuple[int, bytes]:
        got = ada.post(f"/tasks/{task}/comments", {"body": "Rang them"}, headers={"Idempotency-Key": "race"})
        return got.status_code, got.content

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(16)))
    assert len(answers) == 1 and next(iter(answers))[0] == 201
    assert comments(owner) == 1


def test_a_refused_post_leaves_its_key_free(program: Make, task: UUID) -> None:
    ada, bela, key = program(), program("bela.ostrander"), {"Idempotency-Key": "k"}
    bela.post(f"/tasks/{task}/claim")
    assert ada.post(f"/tasks/{task}/claim", headers=key).status_code == 409
    bela.post(f"/tasks/{task}/release")
    assert ada.post(f"/tasks/{task}/claim", headers=key).status_code == 200


def test_an_answer_names_the_version_it_was_made_from(program: Make, task: UUID) -> None:
    ada = program()
    seen = ada.get(f"/tasks/{task}")
    body = {"outcome": "do_not_pay", "answer": ANSWER_GIVEN}
    assert ada.post(f"/tasks/{task}/complete", body).status_code == 428
    ada.post(f"/tasks/{task}/claim")
    stale = ada.post(f"/tasks/{task}/complete", body, headers={"If-Match": seen.headers["etag"]})
    assert stale.status_code == 412
    now = ada.get(f"/tasks/{task}").headers["etag"]
    done = ada.post(f"/tasks/{task}/complete", body, headers={"If-Match": now})
    assert done.status_code == 200, done.text
    assert program("bela.ostrander").post(f"/tasks/{task}/complete", body, headers={"If-Match": now}).status_code == 409


def test_a_task_is_worked_at(program: Make, task: UUID) -> None:
    ada = program()
    assert ada.get("/tasks?mine=true").json()["items"][0]["id"] == str(task)
    assert ada.get("/tasks?overdue=true").json()["items"] == []
    assert ada.post(f"/tasks/{task}/snooze", {"until": "2999-01-01T00:00:00Z", "reason": "waits"}).status_code == 200
    assert ada.post(f"/tasks/{task}/unsnooze").status_code == 200
    assert ada.ask("PUT", f"/tasks/{task}/draft", json={"draft": {"comment": "so far"}}).status_code == 200
    assert ada.post(f"/tasks/{task}/delegate", {"to": "bela.ostrander", "reason": "on leave"}).status_code == 200
    assert ada.post(f"/tasks/{task}/take-over", {"reason": "mine"}).status_code == 403
    assert ada.get("/tasks?claimed=true").json()["items"] == []


def test_no_key_signs_off(program: Make, owner: Database, task: UUID) -> None:
    with owner.transaction() as db:
        db.execute("UPDATE human_tasks SET not_by = '{ada.quillmore}' WHERE id = %s", [task])
    bela = program("bela.ostrander")
    etag = bela.get(f"/tasks/{task}").headers["etag"]
    refused = bela.post(
        f"/tasks/{task}/complete", {"outcome": "pay", "answer": ANSWER_GIVEN}, headers={"If-Match": etag}
    )
    assert refused.status_code == 403
    assert "in their browser" in refused.json()["detail"]


def test_no_key_approves_a_first_time_either(program: Make, owner: Database, task: UUID) -> None:
    ada = program()
    etag = ada.get(f"/tasks/{task}").headers["etag"]
    refused = ada.post(
        f"/tasks/{task}/complete", {"outcome": "pay", "answer": ANSWER_GIVEN}, headers={"If-Match": etag}
    )
    assert refused.status_code == 403
    assert "'pay' approves refund, and no key can" in refused.json()["detail"]
    with owner.transaction() as db:
        assert db.execute("SELECT id FROM actions").fetchall() == []
    said_no = {"outcome": "do_not_pay", "answer": ANSWER_GIVEN}
    assert ada.post(f"/tasks/{task}/complete", said_no, headers={"If-Match": etag}).status_code == 200


def test_a_key_that_is_revoked_expired_or_wrong_lets_nobody_in(program: Make, web: Runtime, owner: Database) -> None:
    ada, brief = program(), program(days=1)
    assert ada.get("/runs").status_code == 200
    keys.revoke(web, UUID(ada.key.split("_")[1]), by="test")
    assert ada.get("/runs").status_code == 401
    wrong = Program(brief.http, brief.key[:-1] + ("A" if brief.key[-1] != "A" else "B"))
    assert [p.get("/runs").status_code for p in (brief, wrong)] == [200, 401]
    with owner.transaction() as db:
        db.execute(later(timedelta(days=2)))
    assert brief.get("/runs").status_code == 401
    with owner.transaction() as db:
        rows = db.execute("SELECT key_hash, used_at FROM api_keys").fetchall()
    assert all(brief.key.split("_", 2)[2] != row["key_hash"] and row["used_at"] for row in rows)


def test_a_key_may_do_what_its_scopes_say_and_its_person_may(program: Make, task: UUID) -> None:
    reads = program(scopes=("read",))
    assert reads.get("/runs").status_code == 200
    refused = reads.post("/claims", {"claim": "CLM-1"})
    assert refused.status_code == 403 and "scope submit" in refused.json()["detail"]
    assert reads.post(f"/tasks/{task}/claim").status_code == 403
    assert program(scopes=("operate",)).post("/runs/CMP-1/cancel", {"reason": "no"}).status_code == 403  # an adjuster


def test_an_operator_moves_runs_one_and_many(program: Make, desk: Desk) -> None:
    carl = program(CARL)
    one, other = desk.file("CMP-1"), desk.file("CMP-2")
    assert carl.post(f"/runs/{one}/pause", {"reason": "look"}).status_code == 200
    assert carl.post(f"/runs/{one}/resume", {"reason": "go"}).status_code == 200
    assert carl.post(f"/runs/{one}/retry", {"reason": "go"}).status_code == 409
    assert carl.post(f"/runs/{one}/signals", {"name": "x", "signal_id": "s", "payload": 1}).status_code == 201
    assert carl.post(f"/runs/{one}/signals", {"name": "x", "signal_id": "s", "payload": 1}).status_code == 200
    assert carl.get(f"/runs/{one}/signals").json()["items"][-1]["name"] == "x"
    ask: dict[str, Any] = {"verb": "cancel", "ids": [str(one), str(other), str(uuid4())], "reason": "done"}
    trial = carl.post("/operations", ask).json()
    assert (trial["dry_run"], trial["done"], trial["refused"]) == (True, 2, 1)
    assert carl.get(f"/runs/{other}").json()["status"] != "CANCELLED"
    assert carl.post("/operations", ask | {"dry_run": False}).json()["done"] == 2
    assert carl.get(f"/runs/{other}").json()["status"] == "CANCELLED"
    by_filter = {"verb": "redrive", "filter": {"status": "DEAD_LETTER"}, "reason": "again"}
    assert carl.post("/operations", by_filter).json()["items"] == []


def test_a_list_goes_on_where_it_stopped(program: Make, desk: Desk) -> None:
    made = [str(desk.file(f"CMP-{n}")) for n in range(5)]
    ada, seen, path = program(), list[str](), "/runs?limit=2"
    for _ in range(3):
        page = ada.get(path)
        seen += [run["id"] for run in page.json()["items"]]
        if page.json()["next"] is None:
            assert "link" not in page.headers
            break
        path = page.headers["link"].partition(">")[0].removeprefix("</api/v1")
    assert seen == made[::-1]
    assert ada.get("/runs?cursor=nonsense").status_code == 422
    for name in ("tasks", "runs/CMP-1/trace", "runs/CMP-1/transitions"):
        first = ada.get(f"/{name}?limit=1").json()
        assert ada.get(f"/{name}?limit=1&cursor={first['next']}").json()["items"] != first["items"]


def test_an_approval_is_taken_back_by_who_gave_it(program: Make, web: Runtime, task: UUID) -> None:
    ada = program()
    complete(web, task, by="ada.quillmore", outcome="pay", answer=ANSWER_GIVEN)  # in her browser: no key can
    (action,) = ada.get("/actions").json()["items"]
    (approval,) = action["approvals"]
    path = f"/approvals/{approval['id']}/revoke"
    assert program("bela.ostrander").post(path, {"reason": "no"}).status_code == 403
    back = ada.post(path, {"reason": "The amount was wrong"})
    assert (back.status_code, back.json()["status"], back.json()["approvals"][0]["live"]) == (200, "PROPOSED", False)
    assert ada.get(f"/actions/{action['id']}").json() == back.json()


def test_every_refusal_is_a_problem_document(program: Make, http: TestClient, task: UUID) -> None:
    ada = program()
    got = [
        ada.get("/runs/nobody"),
        ada.get("/nowhere"),
        ada.ask("PUT", "/runs"),
        ada.get(f"/tasks/{uuid4()}"),
        ada.ask("POST", f"/tasks/{task}/comments", content=b"{", headers={"Content-Type": "application/json"}),
        ada.ask("POST", f"/tasks/{task}/comments", content=b"x", headers={"Content-Type": "text/plain"}),
        ada.post(f"/tasks/{task}/comments", {"body": "x" * 2**20}),
        ada.post(f"/tasks/{task}/comments", {"bodi": "x"}),
        ada.ask("POST", "/claims", content=b"x", headers={"Content-Type": "text/plain"}),
        ada.post("/claims", {}),
        http.get("/api/v1/runs"),
    ]
    assert [r.status_code for r in got] == [404, 404, 405, 404, 400, 415, 413, 422, 415, 422, 401]
    for response in got:
        assert response.headers["content-type"] == "application/problem+json"
        said = response.json()
        assert said["status"] == response.status_code and said["detail"] and said["type"].startswith("/api#problem-")
    assert {e["field"] for e in got[7].json()["errors"]} == {"body", "bodi"}


def test_a_file_that_is_too_large_is_told_its_limit(program: Make) -> None:
    big = b"x" * (LIMITS.file_bytes + 1)
    told = program().ask("POST", "/claims", files=[("documents", ("big.bin", big, "text/plain"))])
    assert told.status_code == 413 and "25 MB" in told.json()["detail"]


def test_who_asks_too_often_is_told_when_to_go_on(program: Make, http: TestClient) -> None:
    ada = program()
    assert int(ada.get("/runs").headers["ratelimit-remaining"]) > 0
    api = next(route.app for route in http.app.routes if getattr(route, "name", "") == "api")  # type: ignore[attr-defined]
    api.state.rates = Rates(most=1)
    assert ada.get("/runs").status_code == 200
    told = ada.get("/runs")
    assert told.status_code == 429 and int(told.headers["retry-after"]) > 0
    assert program("bela.ostrander").get("/runs").status_code == 200


def test_a_session_counts_if_the_request_is_ours(visitor: Callable[[str], Visitor], task: UUID) -> None:
    ada = visitor("ada.quillmore")
    assert ada.get("/api/v1/runs").status_code == 200
    path, token = f"/api/v1/tasks/{task}/claim", ada.token("/account")
    assert ada.http.post(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 403
    assert ada.http.post(path, headers={"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": token}).status_code == 403
    assert ada.http.post(path, headers={"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": token}).status_code == 200


def test_the_open_things_are_listed(program: Make) -> None:
    ada = program()
    assert [ada.get(path).json()["items"] for path in ("/alerts", "/dead-letters")] == [[], []]


def test_refused_messages_are_listed_page_by_page_for_those_who_look_at_the_machinery(
    program: Make, owner: Database
) -> None:
    named = [f"w{'x' * n}" for n in range(5)]
    with owner.transaction() as db:
        for name in named:
            refused_messages.note(db, [refused("start", queue="intake", name=name, reason="no", said={"id": name})])
    carl, seen, path = program("carl.vintergard", scopes=("read",)), list[str](), "/refused-messages?limit=2"
    while path:
        page = carl.get(path)
        seen += [kind["name"] for kind in page.json()["items"]]
        path = page.headers.get("link", "").partition(">")[0].removeprefix("</api/v1")
    assert seen == named[::-1]
    (first,) = carl.get("/refused-messages?limit=1").json()["items"]
    assert (first["what"], first["queue"], first["count"], first["samples"]) == (
        "start",
        "intake",
        1,
        [{"id": named[-1]}],
    )
    assert program(scopes=("read",)).get("/refused-messages").status_code == 403
    assert program("carl.vintergard", scopes=("submit",)).get("/refused-messages").status_code == 403
