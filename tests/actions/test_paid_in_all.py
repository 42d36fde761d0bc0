"""Of one claim and coverage no more is paid than its approver knew of: whoever the payee, whichever the run, however many at once."""

from __future__ import annotations

import threading
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from app.core.errors import NotDone, NotEntitled, Refused
from app.humans.complete import complete
from app.store.database import connect
from tests.actions.conftest import Bureau
from tests.actions.test_approvers import PATIENT, lost, waiting
from tests.support.waiting import wait_for

INTENT_OF = """INSERT INTO checkpoints (run_id, step_seq, call_seq, step_name, kind, name, status, action_id, input, created_at)
    SELECT run_id, 99, 1, 'PAYING', 'tool', 'payments.pay', 'INTENT', id, jsonb_build_object('purpose', purpose, 'payee', payee,
        'amount', amount, 'currency', currency, 'claim', claim), app_now() FROM actions WHERE run_id = %s"""


@pytest.fixture
def approved(bureau: Bureau) -> tuple[UUID, UUID]:
    """Two runs whose payments to two people ada approved, none of which has paid yet."""
    runs = bureau.begin("S-1"), bureau.begin("S-2", payee="Bob Alder")
    for run_id in runs:
        complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
        assert bureau.action(run_id)["status"] == "APPROVED"
    return runs


@pytest.mark.parametrize(
    "other",
    [
        {"payee": "Bob Alder"},
        {"payee": "Bob Alder", "suggested": Decimal("0.01")},
        {"payee": "Bob Alder", "claim": " clm-1"},
        {"payee": "Bob Alder", "currency": "EUR"},
    ],
)
def test_a_second_payee_of_a_paid_claim_is_not_approved(bureau: Bureau, other: dict[str, object]) -> None:
    bureau.journey.tamper("INSERT INTO authorities VALUES ('bea', '*', 'EUR', 1000)")
    bureau.answer(bureau.begin(), "ada")
    second = bureau.begin("S-2", **other)
    with pytest.raises(Refused, match=r"would be paid beside .*100\.00 USD"):
        bureau.answer(second, "bea")
    assert (bureau.task(second)["status"], len(bureau.till.sent)) == ("OPEN", 1)


def test_of_two_payees_that_were_both_approved_one_is_paid(bureau: Bureau, approved: tuple[UUID, UUID]) -> None:
    first, second = approved
    bureau.journey.go()
    assert sorted([bureau.status(first), bureau.status(second)]) == ["COMPLETE", "DEAD_LETTER"]
    loser = first if bureau.status(first) == "DEAD_LETTER" else second
    assert "what was approved says 100.00 USD in all" in bureau.journey.run(loser)["waiting_reason"]
    assert len(bureau.till.sent) == 1


def test_of_two_intents_at_once_the_second_waits_and_sees_the_first(
    bureau: Bureau, approved: tuple[UUID, UUID]
) -> None:
    first, second = approved
    refused: list[str | None] = []

    def begin() -> None:
        try:
            with connect(bureau.journey.url, "worker", options=PATIENT) as db:
                db.execute(INTENT_OF, [second])
        except psycopg.Error as problem:
            refused.append(problem.sqlstate)

    other = threading.Thread(target=begin)
    with connect(bureau.journey.url, "worker") as db, db.transaction():
        db.execute(INTENT_OF, [first])
        other.start()
        wait_for(lambda: waiting(bureau) == 1, "the second intent waits")
    other.join()
    assert refused == ["LH004"]


def test_what_may_have_been_paid_counts_and_what_certainly_was_not_does_not(bureau: Bureau) -> None:
    bureau.till.after = lost
    first = bureau.begin()
    bureau.answer(first, "ada")
    assert bureau.action(first)["status"] == "UNKNOWN"
    second = bureau.begin("S-2", payee="Bob Alder")
    with pytest.raises(Refused, match="would be paid beside"):
        bureau.answer(second, "bea")
    bureau.till.after = lambda: None
    attested = "UPDATE checkpoints SET status = 'FAILED' WHERE run_id = %s AND kind = 'tool'"
    with connect(bureau.journey.url, "web") as db:  # a person looked it up
        db.execute(attested, [first])
    bureau.answer(second, "bea")
    assert bureau.status(second) == "COMPLETE"


def test_a_payment_the_service_refused_leaves_the_account_as_it_was(bureau: Bureau) -> None:
    def refused() -> None:
        raise NotDone("no such account", retry=False)

    bureau.till.before = refused
    bureau.answer(bureau.begin(), "ada")
    bureau.till.before = lambda: None
    second = bureau.begin("S-2", payee="Bob Alder")
    bureau.answer(second, "bea")
    assert (bureau.status(second), len(bureau.till.paid)) == ("COMPLETE", 1)


def test_who_was_shown_what_was_paid_before_may_approve_more_within_their_authority_for_all(bureau: Bureau) -> None:
    bureau.answer(bureau.begin(suggested=Decimal(600)), "ada")
    known = {"payee": "Bob Alder", "paid_before": Decimal(600), "claim": "CLM-1"}
    beyond = bureau.begin("S-2", suggested=Decimal("400.01"), **known)
    bureau.answer(beyond, "ada")
    assert bureau.action(beyond)["status"] == "PROPOSED", "1000.01 in all is above her 1000"
    with pytest.raises(NotEntitled, match=r"1000.01 USD is above the authority of sam \(1000\)"):
        bureau.answer(beyond, "sam")
    within = bureau.begin("S-3", suggested=Decimal(400), **known)
    bureau.answer(within, "ada")
    assert (bureau.status(within), len(bureau.till.paid)) == ("COMPLETE", 2)
    stale = bureau.begin("S-4", suggested=Decimal(1), payee="Cy Dale", paid_before=Decimal(600))
    with pytest.raises(Refused, match=r"beside 1000.00 USD .* says 601.00 USD in all"):
        bureau.answer(stale, "bea")


def test_another_coverage_and_another_claim_have_accounts_of_their_own(bureau: Bureau) -> None:
    bureau.answer(bureau.begin(), "ada")
    other = bureau.begin("S-2", payee="Bob Alder", claim="CLM-2")
    bureau.answer(other, "ada")
    assert (bureau.status(other), len(bureau.till.paid)) == ("COMPLETE", 2)
