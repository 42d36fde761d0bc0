"""The ledger tells who claims the same loss and what was paid, by claim and by payee; never by reading a table from end to end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.store.database import Connection, connect
from app.store.reads import finding
from app.store.records import same_loss
from tests.store.test_documents_elsewhere import Office, asked
from tests.support.plans import plans, whole_tables

LOSS = "NW203100417 on 2031-05-12"
ALIKE: dict[str, Any] = {
    "payee": "p ",
    "currency": "USD",
    "amount": Decimal("12.60"),
    "within": Decimal("0.02"),
    "purpose": "payment",
    "most": 9,
}


@pytest.fixture
def office(database_url: str) -> Any:
    with connect(database_url, "owner") as db:
        yield Office(db)


@pytest.fixture
def worker(database_url: str) -> Any:
    with connect(database_url, "worker") as db:
        yield db


def known_as(office: Office, run_id: UUID, *names: tuple[str, str]) -> UUID:
    finding.keep_names(office.db, run_id, names)
    return run_id


def named(db: Connection) -> list[same_loss.Named]:
    return same_loss.named(
        db, [LOSS, "E1 over 5.00"], kinds=["loss", "bill"], workflow="claim", subject="MINE", purpose="payment", most=9
    )


def test_other_claims_that_go_by_a_name_of_the_loss_are_told_with_what_was_paid(
    office: Office, worker: Connection
) -> None:
    mine = known_as(office, office.run("MINE"), ("loss", LOSS))
    known_as(office, office.run("MINE", forked_from=mine), ("loss", LOSS))
    known_as(office, office.run("NAMED-SO", workflow="claim"), ("policy", LOSS))
    known_as(office, office.run("ELSEWHERE", workflow="another"), ("loss", LOSS))
    known_as(office, office.run("OPEN", status="READY"), ("bill", "E1 over 5.00"))
    paid = known_as(office, office.run("PAID"), ("loss", LOSS), ("bill", "E1 over 5.00"))
    office.action(paid, "EXECUTED")
    told = named(worker)
    assert [(row.subject, sorted(row.shares), row.of) for row in told] == [
        ("PAID", ["E1 over 5.00", LOSS], 2),
        ("OPEN", ["E1 over 5.00"], 2),
    ]
    assert [row.action and row.action["amount"] for row in told] == ["12.50", None]


@pytest.mark.parametrize("status", ["EXECUTING", "UNKNOWN", "EXECUTED", "CONFIRMED", "DISPUTED"])
def test_what_may_have_been_paid_counts(office: Office, worker: Connection, status: str) -> None:
    run_id = office.run("OTHER")
    office.action(run_id, status)
    office.action(run_id, status, purpose="settlement_letter")
    assert [row.status for row in same_loss.paid(worker, str(run_id).upper(), purpose="payment", most=9)] == [status]
    assert [row.status for row in same_loss.paid_alike(worker, claim="MINE", **ALIKE)] == [status]
    assert same_loss.paid_alike(worker, claim=str(run_id), **ALIKE) == [], "its own claim"
    assert same_loss.paid_alike(worker, claim="MINE", **ALIKE | {"amount": Decimal("12.80")}) == []
    assert same_loss.paid_alike(worker, claim="MINE", **ALIKE | {"currency": "EUR"}) == []


@pytest.mark.parametrize("status", ["PROPOSED", "APPROVED", "VOID"])
def test_what_was_never_begun_does_not(office: Office, worker: Connection, status: str) -> None:
    run_id = office.run("OTHER")
    office.action(run_id, status)
    assert same_loss.paid(worker, str(run_id), purpose="payment", most=9) == []
    assert same_loss.paid_alike(worker, claim="MINE", **ALIKE) == []


def test_the_search_costs_what_it_finds_and_not_what_there_is(office: Office, database_url: str) -> None:
    """From an empty table to a large one, looked at by the planner or not."""
    for filled in (0, 20_000):
        office.db.execute(
            """INSERT INTO runs (id, workflow, workflow_version, definition_hash, subject, state, status, step_seq, queue, transition_seq,
                   transition_hash, created_at, updated_at)
               SELECT gen_random_uuid(), 'claim', 1, 'h', 'S-' || n, 'S', 'COMPLETE', 1, 'q', 1, '', app_now(), app_now()
               FROM generate_series(1, %s) n""",
            [filled],
        )
        office.db.execute("INSERT INTO run_names SELECT 'L-' || subject, id, 'loss', app_now() FROM runs")
        office.db.execute(
            """INSERT INTO actions (id, run_id, purpose, payee, amount, currency, coverage, digest, proposed_by, status, claim, created_at,
                   executed_at)
               SELECT id, id, 'payment', 'P-' || subject, 5, 'USD', 'C', '', 'agent', 'EXECUTED', subject, app_now(), app_now() FROM runs"""
        )
        for _ in "ab":
            with connect(database_url, "worker") as db, asked(db) as seen:
                named(db)
                same_loss.paid(db, "S-7", purpose="payment", most=9)
                same_loss.paid_alike(db, claim="MINE", **ALIKE)
                for query in list(seen):  # the looking itself asks too
                    for _, plan in plans(db, query):
                        assert whole_tables(plan, ("runs", "run_names", "actions")) == [], (filled, plan)
            office.db.execute("ANALYZE")
