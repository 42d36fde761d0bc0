"""An approval is worth what its approver is worth at the moment of the intent, and what they no longer could approve is revoked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from app.accounts import administer
from app.core.ids import new_id
from app.diagnosis.explain import explain
from app.humans.complete import complete
from app.store.database import connect
from app.store.reads import situation
from tests.actions.conftest import Bureau
from tests.actions.test_roles import FORGED_INTENT, attempt
from tests.support.waiting import wait_for

PATIENT = "-c lock_timeout=60000"  # milliseconds: these tests wait for locks on purpose
Fall = Callable[[Bureau], object]


def shut_out(bureau: Bureau) -> None:
    administer.shut_out(bureau.journey.rt, "ada", by="boss")


def lose_the_role(bureau: Bureau) -> None:
    administer.change(bureau.journey.rt, "ada", roles=["siu"], authority=Decimal(1000), by="boss")


def be_cut(bureau: Bureau) -> None:
    administer.change(bureau.journey.rt, "ada", roles=["adjuster"], authority=Decimal("99.99"), by="boss")


def be_cut_for_the_coverage(bureau: Bureau) -> None:
    attempt(bureau, "web", "INSERT INTO authorities VALUES ('ada', 'collision', 'USD', 20)")


def lose_the_row(bureau: Bureau) -> None:
    attempt(bureau, "web", "DELETE FROM authorities WHERE holder = 'ada'")


FALLS: list[tuple[Fall, str]] = [
    (shut_out, "they were shut out"),
    (lose_the_role, "they no longer have the role adjuster"),
    (be_cut, "their authority is now 99.99 USD"),
    (be_cut_for_the_coverage, "their authority is now 20 USD"),
    (lose_the_row, "their authority is now 0 USD"),
]


@pytest.fixture
def approved(bureau: Bureau) -> UUID:
    """A run whose payment ada approved alone, and which has not paid yet."""
    run_id = bureau.begin()
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    assert bureau.action(run_id)["status"] == "APPROVED"
    return run_id


@pytest.mark.parametrize(("fall", "why"), FALLS)
def test_what_the_fallen_approved_is_revoked_in_the_same_commit_and_asked_for_again(
    bureau: Bureau, approved: UUID, fall: Fall, why: str
) -> None:
    fall(bureau)
    approval = bureau.journey.one("SELECT * FROM approvals")
    assert (approval["revoked_because"], bureau.action(approved)["status"]) == (why, "PROPOSED")
    bureau.journey.go()
    task = bureau.task(approved)
    assert (task["kind"], bureau.till.sent) == ("approval", [])
    assert f"the approval by ada was revoked on {approval['revoked_at']:%Y-%m-%d}: {why}" in task["note"]
    seen = bureau.journey.rt.database.transact(lambda db: situation.read(db, approved))
    assert why in explain(seen, bureau.journey.rt.settings).sentence
    bureau.answer(approved, "bea", "approve", comment="still right")
    assert (bureau.status(approved), len(bureau.till.paid)) == ("COMPLETE", 1)


@pytest.mark.parametrize(("fall", "why"), FALLS)
def test_the_intent_is_refused_though_nobody_revoked(bureau: Bureau, approved: UUID, fall: Fall, why: str) -> None:
    """As if the change had come from where no trigger sees it: a restored dump, a replica."""
    bureau.journey.tamper("ALTER TABLE users DISABLE TRIGGER ALL; ALTER TABLE authorities DISABLE TRIGGER ALL")
    fall(bureau)
    assert bureau.action(approved)["status"] == "APPROVED"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", FORGED_INTENT)
    assert refused.value.sqlstate == "LH001"
    bureau.journey.go()
    assert f"the approval by ada does not count any more: {why}" in bureau.task(approved)["note"]
    assert bureau.till.sent == []


@pytest.mark.parametrize("change", ["raised", "renamed"])
def test_who_is_not_lowered_keeps_what_they_approved(bureau: Bureau, approved: UUID, change: str) -> None:
    roles, authority = (["adjuster", "siu"], Decimal(5000)) if change == "raised" else (["adjuster"], Decimal(100))
    administer.change(bureau.journey.rt, "ada", roles=roles, authority=authority, by="boss")
    bureau.journey.go()
    assert (bureau.status(approved), len(bureau.till.paid)) == ("COMPLETE", 1)


def test_who_was_let_in_again_has_not_approved_but_may(bureau: Bureau, approved: UUID) -> None:
    shut_out(bureau)
    administer.let_in(bureau.journey.rt, "ada", by="boss")
    bureau.journey.go()
    assert bureau.till.sent == []
    bureau.answer(approved, "ada", "approve", comment="it was right")
    assert (bureau.status(approved), len(bureau.till.paid)) == ("COMPLETE", 1)
    assert [row["revoked_because"] for row in bureau.journey.rows("SELECT * FROM approvals ORDER BY created_at")] == [
        "they were shut out",
        None,
    ]


def test_where_nobody_of_the_role_may_approve_it_a_supervisor_is_asked(bureau: Bureau, approved: UUID) -> None:
    be_cut(bureau)
    administer.change(bureau.journey.rt, "bea", roles=["adjuster"], authority=Decimal(10), by="boss")
    bureau.journey.go()
    assert bureau.task(approved)["role"] == "supervisor"
    bureau.answer(approved, "sue", "approve", comment="in order")
    assert bureau.status(approved) == "COMPLETE"


def test_a_payment_under_way_goes_on_and_its_repetition_is_judged_anew(bureau: Bureau, approved: UUID) -> None:
    bureau.till.after = lost
    bureau.journey.go()
    assert bureau.action(approved)["status"] == "UNKNOWN"
    shut_out(bureau)
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", approved)
    bureau.journey.go()
    assert (len(bureau.till.sent), bureau.task(approved)["kind"]) == (1, "approval")
    bureau.till.after = lambda: None
    bureau.answer(approved, "bea", "approve", comment="go on")
    assert (bureau.status(approved), len(bureau.till.paid)) == ("COMPLETE", 1)


def lost() -> None:
    raise TimeoutError("no answer")


def test_a_payment_that_failed_for_certain_is_not_approved_again_by_that(bureau: Bureau, approved: UUID) -> None:
    def fall_and_refuse() -> None:
        shut_out(bureau)
        raise ConnectionRefusedError

    bureau.till.before = fall_and_refuse
    bureau.journey.go()
    action = bureau.action(approved)
    assert action["status"] == "UNKNOWN"
    attempt(bureau, "worker", "UPDATE checkpoints SET status = 'FAILED' WHERE run_id = %s AND kind = 'tool'", approved)
    assert bureau.action(approved)["status"] == "PROPOSED"


def test_an_approval_that_is_being_given_is_revoked_by_a_shutting_out_that_waits_for_it(bureau: Bureau) -> None:
    run_id = bureau.begin()
    by_hand = "SELECT approve_action(%s, %s, %s, 'ada', 'payment', 'Ada Ferncastle', 100, 30)"
    other = threading.Thread(target=shut_out, args=[bureau])
    with connect(bureau.journey.url, "web") as db, db.transaction():
        db.execute(by_hand, [new_id(), new_id(), bureau.task(run_id)["id"]])
        other.start()
        wait_for(lambda: waiting(bureau) == 1, "the shutting out waits")
    other.join()
    assert bureau.journey.one("SELECT * FROM approvals")["revoked_because"] == "they were shut out"
    assert bureau.action(run_id)["status"] == "PROPOSED"


def test_an_intent_waits_for_a_change_of_its_approver_and_is_judged_after_it(bureau: Bureau, approved: UUID) -> None:
    refused: list[str | None] = []

    def begin() -> None:
        try:
            with connect(bureau.journey.url, "worker", options=PATIENT) as db:
                db.execute(FORGED_INTENT)
        except psycopg.Error as problem:
            refused.append(problem.sqlstate)

    other = threading.Thread(target=begin)
    with connect(bureau.journey.url, "web") as db, db.transaction():
        db.execute("UPDATE users SET disabled_at = app_now() WHERE username = 'ada'")
        other.start()
        wait_for(lambda: waiting(bureau) == 1, "the intent waits")
    other.join()
    assert refused == ["LH001"]


def waiting(bureau: Bureau) -> int:
    """How many sessions wait for another's lock."""
    rows = bureau.journey.rows(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return len(rows)
