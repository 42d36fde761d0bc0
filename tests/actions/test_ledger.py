"""An action is approved by somebody entitled, for exactly what was shown, and executed once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app.core.errors import BadInput, NotDone, NotEntitled, Refused
from app.humans.complete import complete
from app.store.database import connect
from app.store.ledger import actions
from tests.actions.conftest import Bureau


def test_what_the_agent_proposed_is_paid_on_the_reviewers_approval_alone(bureau: Bureau) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    action = bureau.action(run_id)
    assert (bureau.status(run_id), action["status"], action["proposed_by"]) == ("COMPLETE", "EXECUTED", "agent")
    assert len(bureau.till.paid) == 1


@pytest.mark.parametrize(
    ("values", "proposer"),
    [
        ({"amount": "109.99"}, "agent"),
        ({"amount": "110.01"}, "ada"),
        ({"amount": "89.99"}, "ada"),
        ({"payee": "Ada  FERNCASTLE "}, "agent"),
        ({"payee": "Eve Ferncastle"}, "ada"),
    ],
)
def test_whoever_changes_what_was_suggested_has_proposed_it(
    bureau: Bureau, values: dict[str, str], proposer: str
) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", **values)
    action = bureau.action(run_id)
    assert action["proposed_by"] == proposer
    assert (bureau.status(run_id), action["status"]) == (
        ("COMPLETE", "EXECUTED") if proposer == "agent" else ("WAITING_FOR_HUMAN", "PROPOSED")
    )
    assert len(bureau.till.paid) == (proposer == "agent")


def test_an_amount_nobody_suggested_is_the_reviewers_own(bureau: Bureau) -> None:
    run_id = bureau.begin(suggested=Decimal(0))
    bureau.answer(run_id, "ada", amount="50")
    assert bureau.action(run_id)["proposed_by"] == "ada"
    assert bureau.status(run_id) == "WAITING_FOR_HUMAN"


def test_a_second_person_signs_what_the_first_proposed(bureau: Bureau) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", amount="700")
    bureau.journey.enrol("ada", "adjuster", "supervisor")
    with pytest.raises(NotEntitled, match="somebody else must answer"):
        bureau.answer(run_id, "ada")
    bureau.answer(run_id, "sam")
    voided, executed = bureau.journey.rows("SELECT * FROM actions WHERE run_id = %s ORDER BY created_at", run_id)
    assert (voided["status"], executed["status"], executed["proposed_by"]) == ("VOID", "EXECUTED", "ada")
    assert [payment["amount"] for payment in bureau.till.paid.values()] == ["700.00"]


def test_authority_is_by_person_role_coverage_and_currency(bureau: Bureau) -> None:
    bureau.journey.tamper(
        """INSERT INTO authorities VALUES ('role:adjuster', '*', 'EUR', 300), ('role:adjuster', 'collision', 'EUR', 200),
           ('ada', 'theft', 'USD', 50), ('stranger', '*', 'USD', 9)"""
    )

    def limit(person: str, role: str, coverage: str, currency: str) -> Decimal:
        return bureau.journey.rt.database.transact(lambda db: actions.authority(db, person, role, coverage, currency))

    assert limit("ada", "adjuster", "collision", "USD") == 1000, "a person's own limit"
    assert limit("ada", "adjuster", "theft", "USD") == 50, "the coverage's own goes before the one for all"
    assert limit("ada", "adjuster", "theft", "EUR") == 300, "else the role's"
    assert limit("ada", "adjuster", "collision", "EUR") == 200
    assert limit("ada", "adjuster", "collision", "JPY") == 0, "no row, no authority"
    assert limit("ada", "supervisor", "collision", "USD") == 0, "a role she does not have"
    assert limit("stranger", "adjuster", "collision", "USD") == 0, "nobody of ours"


def test_above_the_authority_of_the_reviewer_a_second_person_signs_and_above_hers_nobody(bureau: Bureau) -> None:
    run_id = bureau.begin(suggested=Decimal(1500))
    bureau.answer(run_id, "ada")
    with pytest.raises(NotEntitled, match=r"1500.00 USD is above the authority of sam \(1000\)"):
        bureau.answer(run_id, "sam")
    bureau.journey.tamper("UPDATE authorities SET up_to = 5000 WHERE holder = 'sam'")
    bureau.answer(run_id, "sam")
    assert bureau.status(run_id) == "COMPLETE"


def test_in_a_currency_nobody_has_authority_in_nothing_is_paid(bureau: Bureau) -> None:
    run_id = bureau.begin(currency="JPY")
    bureau.answer(run_id, "ada")
    with pytest.raises(NotEntitled, match="JPY is above the authority of sam"):
        bureau.answer(run_id, "sam")
    assert bureau.till.sent == []


@pytest.mark.parametrize("values", [{"amount": "-5"}, {"amount": "NaN"}, {"amount": "much"}, {"payee": "  "}])
def test_what_cannot_be_paid_is_refused_with_its_field_and_nothing_is_written(
    bureau: Bureau, values: dict[str, str]
) -> None:
    run_id = bureau.begin(payee="" if "payee" in values else "Ada")
    with pytest.raises(BadInput, match=next(iter(values))):
        bureau.answer(run_id, "ada", **values)
    assert bureau.journey.rows("SELECT 1 FROM actions") == []
    assert bureau.task(run_id)["status"] == "OPEN"


@pytest.mark.parametrize(
    "change", ["amount = 900", "payee = 'Eve'", "evidence = '{}'", "shown_digest = 'other'", "claim = 'C-2'"]
)
def test_an_action_that_was_changed_after_its_approval_is_not_executed(bureau: Bureau, change: str) -> None:
    run_id = bureau.begin()
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    bureau.journey.tamper(f"UPDATE actions SET {change}")  # by somebody with the owner's login
    bureau.journey.go()
    assert bureau.till.sent == []
    assert bureau.status(run_id) in ("DEAD_LETTER", "WAITING_FOR_HUMAN")


def test_an_approval_is_used_once(bureau: Bureau) -> None:
    run_id = bureau.begin(payments=2)
    bureau.answer(run_id, "ada")
    assert len(bureau.till.sent) == 1
    assert bureau.status(run_id) == "DEAD_LETTER"
    assert "ledger of actions" in bureau.journey.run(run_id)["waiting_reason"]


def test_what_stands_in_another_run_is_not_approved_again(bureau: Bureau) -> None:
    first, second = bureau.begin("S-1"), bureau.begin("S-2", payee="ada  ferncastle")
    bureau.answer(first, "ada")
    with pytest.raises(Refused, match=rf"for CLM-1 stands already as EXECUTED in the run {first}"):
        bureau.answer(second, "bea")
    assert bureau.task(second)["status"] == "OPEN", "the reviewer may still deny"
    other = bureau.begin("S-3", claim="CLM-2")
    bureau.answer(other, "ada")
    assert len(bureau.till.paid) == 2


def test_of_two_runs_that_were_both_approved_only_one_pays(bureau: Bureau) -> None:
    first, second = bureau.begin("S-1"), bureau.begin("S-2")
    for run_id in (first, second):  # both before either goes on
        complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    bureau.journey.go()
    assert sorted([bureau.status(first), bureau.status(second)]) == ["COMPLETE", "DEAD_LETTER"]
    assert len(bureau.till.sent) == 1
    loser = first if bureau.status(first) == "DEAD_LETTER" else second
    assert "stands already in another run" in bureau.journey.run(loser)["waiting_reason"]


def refused() -> None:
    raise NotDone("connection refused")


def test_a_call_that_certainly_failed_gives_its_action_back(bureau: Bureau) -> None:
    bureau.till.before = refused
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    assert bureau.action(run_id)["status"] == "APPROVED"
    bureau.till.before = lambda: None
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    bureau.journey.go()
    assert (bureau.status(run_id), bureau.action(run_id)["status"]) == ("COMPLETE", "EXECUTED")


def test_a_call_begun_again_carries_out_what_is_approved_by_then_and_says_so(bureau: Bureau) -> None:
    bureau.till.before = refused
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    first, second = bureau.action(run_id)["id"], uuid4()
    bureau.journey.tamper(_AGAIN_ON_OTHER_EVIDENCE, second, first)
    bureau.journey.tamper("UPDATE actions a SET digest = action_digest(a) WHERE id = %s", second)
    bureau.journey.tamper(_APPROVED_AGAIN, uuid4(), second, first)
    bureau.journey.tamper("UPDATE approvals SET revoked_at = app_now() WHERE action_id = %s", first)
    with connect(bureau.journey.url, "worker") as db, db.transaction():
        begun = db.execute("UPDATE checkpoints SET status = 'INTENT' WHERE action_id = %s RETURNING call_seq", [first])
        assert len(begun.fetchall()) == 1
    (call,) = bureau.journey.rows("SELECT status, action_id FROM checkpoints WHERE action_id IS NOT NULL")
    assert (call["status"], call["action_id"]) == ("INTENT", second)
    stands = {row["id"]: row["status"] for row in bureau.journey.rows("SELECT id, status FROM actions")}
    assert stands[second] == "EXECUTING" and stands[first] != "EXECUTING"


_AGAIN_ON_OTHER_EVIDENCE = """
INSERT INTO actions SELECT (jsonb_populate_record(a, jsonb_build_object('id', %s::uuid, 'digest', 'other', 'evidence', '{}'::jsonb))).*
FROM actions a WHERE id = %s"""
_APPROVED_AGAIN = """
INSERT INTO approvals SELECT (jsonb_populate_record(p, jsonb_build_object('id', %s::uuid, 'action_id', a.id, 'digest', a.digest))).*
FROM approvals p, actions a WHERE a.id = %s AND p.action_id = %s"""


def _expire(bureau: Bureau) -> None:
    bureau.journey.advance_clock(timedelta(days=actions.VALID_DAYS, hours=1))


def _revoke(bureau: Bureau) -> None:
    bureau.journey.tamper("UPDATE approvals SET revoked_at = app_now()")


@pytest.mark.parametrize(("spoil", "why"), [(_expire, "ended on"), (_revoke, "was revoked on")])
def test_an_approval_that_no_longer_stands_is_asked_for_again(bureau: Bureau, spoil: Any, why: str) -> None:
    bureau.till.before = refused
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")  # approved, and not paid yet
    spoil(bureau)
    bureau.till.before = lambda: None
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    bureau.journey.go()
    task = bureau.task(run_id)
    assert (task["kind"], task["role"]) == ("approval", "adjuster")
    assert why in task["note"] and "Approve again: payment of 100.00 USD to Ada Ferncastle" in task["title"]
    assert bureau.till.paid == {}
    bureau.answer(run_id, "bea", "approve", comment="still right")
    assert (bureau.status(run_id), len(bureau.till.paid)) == ("COMPLETE", 1)


def test_instead_of_approving_again_the_run_can_be_stopped(bureau: Bureau) -> None:
    bureau.till.before = refused
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    _revoke(bureau)
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    bureau.journey.go()
    bureau.answer(run_id, "bea", "stop", comment="withdrawn")
    assert (bureau.status(run_id), bureau.till.paid) == ("CANCELLED", {})


def test_a_payment_whose_outcome_is_unknown_is_not_repeated_without_a_live_approval(bureau: Bureau) -> None:
    bureau.till.after = lost
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    assert bureau.action(run_id)["status"] == "UNKNOWN"
    _revoke(bureau)
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    bureau.journey.go()
    assert len(bureau.till.sent) == 1
    bureau.till.after = lambda: None
    assert bureau.task(run_id)["kind"] == "approval"
    bureau.answer(run_id, "bea", "approve", comment="go on")
    assert (bureau.status(run_id), len(bureau.till.paid)) == ("COMPLETE", 1)
    assert len(set(bureau.till.sent)) == 1, "under the same key"


def lost() -> None:
    raise TimeoutError("no answer")
