"""Ways that once led past the ledger: what was shown changed, an approval that was not enough, a ledger deleted, one payee twice."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from app.core.errors import NotEntitled, Refused
from app.core.ids import new_id
from app.humans.complete import complete
from app.store.database import Role
from tests.actions.conftest import Bureau
from tests.actions.test_roles import FORGED_INTENT, attempt


@pytest.mark.parametrize("role", ["worker", "web"])
@pytest.mark.parametrize(
    "change",
    [
        """proposals = jsonb_set(proposals, '{0,payee}', '"Eve"')""",
        "approves = '{}'",
        "not_by = '{}'",
        "role = 'adjuster'",
        "note = 'All is well.'",
        "shown_digest = ''",
        "kind = 'triage'",
    ],
)
def test_nobody_changes_what_a_person_is_being_shown(bureau: Bureau, role: Role, change: str) -> None:
    run_id = bureau.begin()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, role, f"UPDATE human_tasks SET {change}")
    bureau.answer(run_id, "ada")
    assert [paid["payee"] for paid in bureau.till.paid.values()] == ["Ada Ferncastle"]


def test_a_worker_cannot_answer_for_a_person(bureau: Bureau) -> None:
    bureau.begin()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, "worker", "UPDATE human_tasks SET completed_by = 'ada', outcome = 'pay'")


def test_an_approval_counts_no_more_once_somebody_is_asked_anew(bureau: Bureau) -> None:
    """The reviewer's own approval was enough for the ledger, but the claim's rules want a second person's."""
    run_id = bureau.begin(always_signed=True)
    complete(bureau.journey.rt, bureau.task(run_id)["id"], by="ada", outcome="pay", answer={})
    assert bureau.action(run_id)["status"] == "APPROVED"
    bureau.journey.go()
    assert bureau.task(run_id)["role"] == "supervisor"
    assert bureau.action(run_id)["status"] == "PROPOSED"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "worker", FORGED_INTENT)
    assert refused.value.sqlstate == "LH001"
    bureau.answer(run_id, "sam")
    assert bureau.action(run_id)["status"] == "EXECUTED"
    assert len(bureau.till.sent) == 1


@pytest.mark.parametrize("role", ["worker", "web"])
def test_a_run_and_its_ledger_cannot_be_deleted(bureau: Bureau, role: Role) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, role, "DELETE FROM runs WHERE id = %s", run_id)
    assert bureau.action(run_id)["status"] == "EXECUTED"


def test_whose_account_is_closed_approves_nothing(bureau: Bureau) -> None:
    run_id = bureau.begin()
    bureau.journey.tamper("UPDATE users SET disabled_at = app_now() WHERE username = 'ada'")
    with pytest.raises(NotEntitled, match="Ada is shut out"):
        bureau.answer(run_id, "ada")
    by_hand = "SELECT approve_action(%s, %s, %s, 'ada', 'payment', 'Ada Ferncastle', 100, 30)"
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", by_hand, new_id(), new_id(), bureau.task(run_id)["id"])
    assert refused.value.sqlstate == "LH002"
    bureau.answer(run_id, "bea")
    assert bureau.status(run_id) == "COMPLETE"


@pytest.mark.parametrize("again", ["Jose\u0301 Núñez", "José\u00a0Núñez", "Jo\u200bsé Núñez", " josé  NÚÑEZ"])
def test_one_payee_spelled_in_other_signs_is_not_paid_again(bureau: Bureau, again: str) -> None:
    bureau.answer(bureau.begin(payee="José Núñez"), "ada")
    second = bureau.begin("S-2", payee=again, suggested=Decimal(80))
    with pytest.raises(Refused, match="stands already"):
        bureau.answer(second, "bea")
    assert len(bureau.till.sent) == 1
