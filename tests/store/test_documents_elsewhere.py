"""Who else sent a file is told by its content: other subjects, what was paid to them, and nobody that should not be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core.ids import new_id
from app.store.database import Connection, connect
from app.store.records import documents
from app.store.records.documents import SentElsewhere
from tests.support.plans import plans, whole_tables

BILL, REPORT, EMPTY = "b" * 64, "a" * 64, "e" * 64


class Office:
    """Puts runs, their documents and their actions where they would stand."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self.db = db

    def run(self, subject: str, *, workflow: str = "claim", status: str = "COMPLETE", **more: Any) -> UUID:
        run_id = new_id()
        self.db.execute(
            """INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, parent_run_id,
                   forked_from, transition_seq, transition_hash, created_at, updated_at)
               VALUES (%s, %s, 1, 'h', %s, 'S', %s, 1, 'q', %s, %s, 1, '', app_now(), app_now())""",
            [run_id, workflow, subject, status, more.get("parent"), more.get("forked_from")],
        )
        for sha256 in more.get("sent", (BILL,)):
            kind, size = "application/pdf", int(sha256 != EMPTY)
            documents.insert(
                self.db, new_id(), run_id, sha256=sha256, filename="f.pdf", media_type=kind, size=size, by="test"
            )
        return run_id

    def action(self, run_id: UUID, status: str, *, purpose: str = "payment") -> None:
        """An action as the ledger has it; this is no test of how it came there."""
        columns = {
            "id": new_id(),
            "run_id": run_id,
            "purpose": purpose,
            "payee": "P",
            "amount": "12.50",
            "currency": "USD",
            "coverage": "C",
            "digest": str(new_id()),
            "proposed_by": "agent",
            "status": status,
            "claim": str(run_id),
        }
        names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        paid = "app_now()" if status in ("EXECUTED", "CONFIRMED", "DISPUTED") else "NULL"
        self.db.execute(
            f"INSERT INTO actions ({names}, created_at, executed_at) VALUES ({places}, app_now(), {paid})",
            list(columns.values()),
        )


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    with connect(database_url, "owner") as db:
        yield Office(db)


@pytest.fixture
def look(database_url: str) -> Callable[..., list[SentElsewhere]]:
    """Asks as a worker does."""

    def ask(*sha256: str, most: int = 10) -> list[SentElsewhere]:
        with connect(database_url, "worker") as db:
            return _elsewhere(db, *sha256, most=most)

    return ask


def _elsewhere(db: Connection, *sha256: str, most: int = 10) -> list[SentElsewhere]:
    return documents.elsewhere(db, sha256 or (BILL,), workflow="claim", subject="MINE", purpose="payment", most=most)


def test_other_claims_that_were_sent_the_file_are_named_and_nobody_else(
    office: Office, look: Callable[..., list[SentElsewhere]]
) -> None:
    mine = office.run("MINE")
    office.run("MINE", forked_from=mine)
    other = office.run("OTHER", sent=(BILL, BILL, REPORT))
    office.run("OTHER/d1", parent=other)
    office.run("ELSEWHERE", workflow="another")
    office.run("NOT-THIS-FILE", sent=(REPORT,))
    assert [(row.subject, row.sha256, row.of) for row in look(BILL)] == [("OTHER", [BILL], 1)]
    assert {row.subject: row.sha256 for row in look(BILL, REPORT)} == {
        "OTHER": [REPORT, BILL],
        "NOT-THIS-FILE": [REPORT],
    }


def test_an_empty_file_makes_no_two_claims_alike(office: Office, look: Callable[..., list[SentElsewhere]]) -> None:
    office.run("OTHER", sent=(EMPTY,))
    assert look(EMPTY) == []


def test_a_fork_of_a_claim_is_that_claim_and_its_payment_counts(
    office: Office, look: Callable[..., list[SentElsewhere]]
) -> None:
    original = office.run("OTHER", status="CANCELLED")
    fork = office.run("OTHER", forked_from=original)
    office.action(fork, "EXECUTED")
    (row,) = look()
    assert row.action is not None
    assert (row.status, row.action["status"]) == ("CANCELLED", "EXECUTED")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("PROPOSED", False),
        ("APPROVED", False),
        ("VOID", False),
        ("EXECUTING", True),
        ("UNKNOWN", True),
        ("EXECUTED", True),
        ("CONFIRMED", True),
        ("DISPUTED", True),
    ],
)
def test_a_payment_is_told_from_the_moment_it_may_have_happened(
    office: Office, look: Callable[..., list[SentElsewhere]], status: str, told: bool
) -> None:
    office.action(office.run("OTHER"), status)
    (row,) = look()
    assert (row.action is not None) == told
    if row.action:
        assert (row.action["status"], row.action["amount"], row.action["currency"]) == (status, "12.50", "USD")


def test_a_letter_is_no_payment(office: Office, look: Callable[..., list[SentElsewhere]]) -> None:
    office.action(office.run("OTHER"), "EXECUTED", purpose="denial_letter")
    assert look()[0].action is None


def test_what_is_told_is_bounded_the_paid_ones_come_first_and_the_rest_is_counted(
    office: Office, look: Callable[..., list[SentElsewhere]]
) -> None:
    for n in range(12):
        run_id = office.run(f"OTHER-{n:02}")
        if n in (7, 9):
            office.action(run_id, "EXECUTED")
    found = look(most=4)
    assert [row.subject for row in found] == ["OTHER-07", "OTHER-09", "OTHER-00", "OTHER-01"]
    assert {row.of for row in found} == {12}


def test_what_was_erased_is_not_found(office: Office, look: Callable[..., list[SentElsewhere]]) -> None:
    run_id = office.run("OTHER")
    assert look()
    office.db.execute("UPDATE documents SET sha256 = 'erased' WHERE run_id = %s", [run_id])
    assert look() == []


def test_the_search_costs_what_it_finds_and_not_what_there_is(office: Office, database_url: str) -> None:
    """From an empty table to a large one, looked at by the planner or not."""
    for filled in (0, 60, 20_000):
        office.db.execute(
            """INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, transition_seq,
                   transition_hash, created_at, updated_at)
               SELECT gen_random_uuid(), 'claim', 1, 'h', 'S-' || %s || '-' || n, 'S', 'COMPLETE', 1, 'q', 1, '', app_now(), app_now()
               FROM generate_series(1, %s) n""",
            [filled, filled],
        )
        office.db.execute(
            """INSERT INTO documents SELECT gen_random_uuid(), id, encode(sha256(id::text::bytea), 'hex'), 'f', 'm', 1, 'x', app_now()
               FROM runs"""
        )
        for _ in "ab":
            with connect(database_url, "worker") as db, asked(db) as seen:
                _elsewhere(db, BILL, REPORT)
                for _, plan in plans(db, seen[0]):
                    assert whole_tables(plan, ("runs", "documents", "actions")) == [], (filled, plan)
            office.db.execute("ANALYZE")


@contextmanager
def asked(db: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What the connection is asked to execute."""
    seen: list[tuple[str, Any]] = []
    execute = db.execute

    def listening(query: Any, params: Any = None, **more: Any) -> Any:
        seen.append((query, params))
        return execute(query, params, **more)

    db.execute = listening  # type: ignore[method-assign]
    yield seen
    db.execute = execute  # type: ignore[method-assign]
