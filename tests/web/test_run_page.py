"""A run's page: any past moment of it, its timeline narrowed, each event at its own address, what a model saw."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.core.canonical import canonical
from app.store.database import Database
from app.store.runs import conversations
from tests.web.complaints import Desk
from tests.web.conftest import Visitor, task_of
from tests.web.markup import Page


def kinds(page: str) -> list[str]:
    return [(g["class"] or "")[5:] for g in Page(page).all("tr") if (g.get("class") or "").startswith("kind-")]


def model_call(owner: Database, run: UUID, model: str, cost: str | None = None) -> None:
    """A model's call in the journal, as a step would have left it."""
    said = conversations.chained(
        [{"role": "system", "text": "You read <b>complaints</b>."}, {"role": "user", "text": "No wheels."}]
    )
    with owner.transaction() as db:
        for message in said:
            db.execute(
                "INSERT INTO messages (run_id, sha256, content, created_at) VALUES (%s, %s, %s::jsonb, app_now())",
                [run, message.sha256, message.text],
            )
        db.execute(
            """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, input, output, model,
                   tokens_in, tokens_out, cost, created_at, completed_at)
               VALUES (%s, 1, 9, 'READING', 'model', 'reading/1', 'COMPLETE', %s::jsonb, %s::jsonb, %s,
                   120, 30, %s, app_now(), app_now())""",
            [run, canonical({"head": said[-1].sha256}), canonical({"wheels": 0}), model, cost],
        )


def test_the_page_shows_the_run_as_it_stood(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    ada.answer(task_of(owner, run), "pay")
    desk.work()
    now, then = ada.get(f"/runs/{run}").text, ada.get(f"/runs/{run}?at=2").text
    assert "ended as COMPLETE" in now
    assert "As it stood at" in then
    assert "person answered" not in then
    assert set(kinds(then)) <= {"start", "transition", "local"}
    assert len(kinds(then)) < len(kinds(now))
    with owner.transaction() as db:
        row = db.execute("SELECT created_at FROM transitions WHERE run_id = %s AND seq = 2", [run]).fetchone()
    assert row is not None
    assert kinds(ada.get(f"/runs/{run}?at={row['created_at'].isoformat()}").text) == kinds(then)
    assert Page(then).problems == []
    for wrong in ("999", "yesterday", "2001-01-01"):
        assert ada.get(f"/runs/{run}?at={wrong}").status_code == 400, wrong


def test_the_timeline_is_narrowed_by_the_address(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    with owner.transaction() as db:
        db.execute(
            """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, errors, created_at)
               VALUES (%s, 1, 7, 'READING', 'tool', 'bank.pay', 'FAILED', '["the bank was closed"]', app_now())""",
            [run],
        )
    assert set(kinds(ada.get(f"/runs/{run}?kind=transition").text)) == {"transition"}
    assert kinds(ada.get(f"/runs/{run}?failed=1").text) == ["tool"]
    assert kinds(ada.get(f"/runs/{run}?text=BANK WAS").text) == ["tool"]
    assert kinds(ada.get(f"/runs/{run}?text=%25").text) == []
    assert ada.get(f"/runs/{run}?kind=nonsense").status_code == 400


def test_every_event_has_a_page_of_its_own(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    ada.post(f"/tasks/{task_of(owner, run)}/comment", text="Look here.")
    links = {a["href"] or "" for a in Page(ada.get(f"/runs/{run}").text).all("a") if "/events/" in (a["href"] or "")}
    assert len(links) > 8
    for link in links:
        page = ada.get(link)
        assert page.status_code == 200, link
        assert Page(page.text).problems == [], link
    for wrong in ("call-1", "call-9-9", "transition-0", "nonsense", "call-1-" + "9" * 30):
        assert ada.get(f"/runs/{run}/events/{wrong}").status_code == 404, wrong


def test_what_a_model_saw_is_read_as_a_conversation(desk: Desk, owner: Database, ada: Visitor) -> None:
    priced, unpriced, rules = [desk.file(f"CMP-{n}") for n in range(3)]
    model_call(owner, priced, "some-model", "0.0123")
    model_call(owner, unpriced, "some-model")
    model_call(owner, rules, "offline-rules/1")
    page = ada.get(f"/runs/{priced}/events/call-1-9").text
    assert "What the model saw" in page
    assert "You read &lt;b&gt;complaints&lt;/b&gt;." in page
    assert page.index("No wheels.") < page.index("&#34;wheels&#34;: 0")
    assert "0.012300 USD" in page
    assert Page(page).problems == []
    assert "price unknown" in ada.get(f"/runs/{unpriced}/events/call-1-9").text
    assert "price unknown" in ada.get(f"/runs/{unpriced}").text
    assert "rules, no model" in ada.get(f"/runs/{rules}").text
    assert "rules, no model" in ada.get(f"/runs/{rules}/events/call-1-9").text


def test_the_list_is_taken_along_by_who_may(
    desk: Desk, owner: Database, ada: Visitor, visitor: Callable[[str], Visitor]
) -> None:
    desk.file("=1+1")
    desk.file("CMP-2")
    assert ada.get("/runs/export.csv").status_code == 403
    carl = visitor("carl.vintergard")
    sheet = carl.get("/runs/export.csv?status=WAITING_FOR_HUMAN").text.splitlines()
    assert sheet[0].startswith("run_id,subject,workflow")
    assert len(sheet) == 3
    assert any(",'=1+1," in line for line in sheet), "a spreadsheet takes no subject for a formula"
    rows = carl.get("/runs/export.json?text=CMP").json()
    assert [(row["subject"], row["waits_for_role"]) for row in rows] == [("CMP-2", "adjuster")]
    assert carl.get("/runs?role=adjuster&alert=&least_tokens=0&since=2001-01-01").text.count("<bdi>CMP-2") == 1
    assert "No run fits" in carl.get("/runs?role=siu").text
    assert carl.get("/runs?since=soon").status_code == 400


def test_the_answers_of_two_attempts_are_shown_beside_each_other(desk: Desk, owner: Database, ada: Visitor) -> None:
    run = desk.file("CMP-1")
    model_call(owner, run, "some-model")
    failed = [
        {
            "error": "SchemaFailure: wheels: not a number",
            "attempt": 1,
            "at": "2026-11-27T09:00:00+00:00",
            "output": '{"wheels":"none <b>"}',
        },
        {"error": "Transient: it did not answer", "attempt": 2, "at": "2026-11-27T09:01:00+00:00"},
        {"error": "SchemaFailure: cut off", "attempt": 3, "at": "2026-11-27T09:02:00+00:00", "output": '{"wheels":'},
    ]
    with owner.transaction() as db:
        db.execute("SET LOCAL session_replication_role = replica")  # a result is written once
        db.execute(
            "UPDATE checkpoints SET errors = %s::jsonb WHERE run_id = %s AND kind = 'model'", [canonical(failed), run]
        )
    shown = Page(ada.get(f"/runs/{run}/events/call-1-9").text)
    assert shown.problems == []
    assert "Attempt 1" in shown.text and "wheels: not a number" in shown.text and "it did not answer" in shown.text
    assert "How the result differs from its answer" in shown.text
    added = [g for g in shown.all("span") if g.get("class") == "added"]
    removed = [g for g in shown.all("span") if g.get("class") == "removed"]
    assert added and removed
