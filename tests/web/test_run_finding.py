"""A run is found by whatever somebody has of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from app.core.ids import new_id, task_id
from app.engine.runtime import Registry
from app.engine.start import start
from app.store.database import Database
from app.store.reads import finding
from app.store.records import documents
from tests.web.complaints import REVIEW, Complaint, Desk
from tests.web.conftest import Visitor, task_of

SHA = "ab12" * 16


def found(owner: Database, text: str) -> list[tuple[UUID, str]]:
    with owner.transaction() as db:
        return [(each.run_id, each.by) for each in finding.find_all(db, text)]


def test_any_identifier_finds_the_run(desk: Desk, owner: Database) -> None:
    run, other = desk.file("CMP-1"), desk.file("CMP-2")
    with owner.transaction() as db:
        finding.keep_names(db, run, [("policy", " POL-77 "), ("policy", "")])
        finding.keep_names(db, run, [("policy", "POL-77")])
        documents.insert(db, new_id(), run, sha256=SHA, filename="a.pdf", media_type="application/pdf", size=3, by="x")
    for text, by in (
        (str(run), "id"),
        (run.hex, "id"),
        (task_id(run, "READING", 1), "id"),
        ("CMP-1", "subject"),
        (" POL-77", "name"),
        (SHA, "document"),
        (SHA[:10], "document"),
        (SHA[:40], "document"),
        (str(run)[:35], "beginning"),
    ):
        assert found(owner, text) == [(run, by)], text
    assert {each for each, _ in found(owner, str(run)[:6])} == {run, other}
    for text in ("", "abc", "CMP", "POL-7", str(new_id()), "%", SHA[:-1] + "0"):
        assert found(owner, text) == [], text
    with owner.transaction() as db:
        assert finding.names_of(db, run) == [finding.OtherName("policy", "POL-77")]


def test_a_run_is_found_by_what_it_was_started_with_and_by_what_a_step_learns(
    desk: Desk, owner: Database, ada: Visitor
) -> None:
    def names(data: Any) -> list[tuple[str, str]]:
        return [("customer", data.customer)] + ([("verdict", f"V-{data.decided}")] if data.decided else [])

    named = replace(REVIEW, names=names)
    desk.worker.workflows = Registry((named,))
    with owner.transaction() as db:
        run = start(db, named, subject="CMP-1", data=Complaint(customer="Orla Fenwick"), key=None, actor="test")
    assert found(owner, "Orla Fenwick") == [(run.run_id, "name")]
    assert found(owner, "V-pay") == []
    desk.worker.dispatcher.ring([run.bell])
    desk.work()
    ada.answer(task_of(owner, run.run_id), "pay")
    desk.work()
    assert found(owner, "V-pay") == [(run.run_id, "name")]
    with owner.transaction() as db:
        assert len(finding.names_of(db, run.run_id)) == 2, "what is known already is not written again"
