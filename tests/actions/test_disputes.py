"""A dispute that the service never takes back is closed by a person who had no hand in it; nothing is sent by it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.actions import disputes
from app.core.errors import BadInput, NotEntitled, NotFound, Refused
from app.core.ids import new_id
from app.sweeps import actions as sweep
from app.sweeps import alerts
from tests.actions.conftest import Bureau
from tests.actions.test_roles import attempt

FOUND = "The bank booked it under the garage's old name; seen on the statement of 3 March."


@pytest.fixture
def disputed(bureau: Bureau) -> UUID:
    """A run whose payment of 700 USD, reviewed by ada and signed by sam, the service knows under another payee."""
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", amount="700")
    bureau.answer(run_id, "sam")
    (record,) = bureau.till.paid.values()
    record["payee"] = "The old name"
    assert sweep.run_once(bureau.journey.rt)["disputed"] == 1
    return run_id


def still_open(bureau: Bureau) -> int:
    alerts.run_once(bureau.journey.rt)
    found: list[Any] = bureau.journey.rows(
        "SELECT 1 AS one FROM alerts WHERE rule = 'action_unconfirmed' AND resolved_at IS NULL"
    )
    return len(found)


def test_a_supervisor_who_had_no_hand_in_it_closes_it_and_the_alert_ends(bureau: Bureau, disputed: UUID) -> None:
    assert still_open(bureau) == 1
    action = bureau.action(disputed)
    assert disputes.close(bureau.journey.rt, action["id"], by="sue", reason=f"  {FOUND} ") == disputed
    closed = bureau.action(disputed)
    assert (closed["status"], closed["dispute_closed_by"], closed["dispute_reason"]) == ("DISPUTED", "sue", FOUND)
    assert still_open(bureau) == 0
    note = bureau.journey.one("SELECT actor, payload FROM signals WHERE name = 'dispute closed'")
    assert (note["actor"], note["payload"]["reason"]) == ("person:sue", FOUND)


def test_closing_it_sends_nothing_and_its_effect_stays_taken(bureau: Bureau, disputed: UUID) -> None:
    disputes.close(bureau.journey.rt, bureau.action(disputed)["id"], by="sue", reason=FOUND)
    assert sweep.run_once(bureau.journey.rt)["disputed"] == 0, "nobody asks any more"
    again = bureau.begin("S-2")
    with pytest.raises(Refused, match="stands already as DISPUTED"):
        bureau.answer(again, "bea", amount="700")
    assert len(bureau.till.sent) == 1


@pytest.mark.parametrize("by", ["ada", "sam", "bea", "nobody"])
def test_nobody_else_may(bureau: Bureau, disputed: UUID, by: str) -> None:
    """Who proposed it, who approved it, who is no supervisor, who is not there: not by the code, nor around it."""
    action = bureau.action(disputed)["id"]
    with pytest.raises(NotEntitled):
        disputes.close(bureau.journey.rt, action, by=by, reason=FOUND)
    with pytest.raises(psycopg.Error) as refused:
        attempt(bureau, "web", "SELECT close_dispute(%s, %s, 'found')", action, by)
    assert refused.value.sqlstate == "LH002"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(bureau, "worker", "SELECT close_dispute(%s, 'sue', 'found')", action)
    assert bureau.action(disputed)["dispute_closed_at"] is None


def test_a_supervisor_whose_authority_does_not_cover_it_may_not(bureau: Bureau, disputed: UUID) -> None:
    bureau.journey.tamper("UPDATE authorities SET up_to = 699 WHERE holder = 'sue'")
    with pytest.raises(NotEntitled, match="whose authority covers 700"):
        disputes.close(bureau.journey.rt, bureau.action(disputed)["id"], by="sue", reason=FOUND)


def test_it_needs_a_reason_a_dispute_and_an_action_and_happens_once(bureau: Bureau, disputed: UUID) -> None:
    rt, action = bureau.journey.rt, bureau.action(disputed)["id"]
    with pytest.raises(BadInput, match="reason: say what was found"):
        disputes.close(rt, action, by="sue", reason="  ")
    with pytest.raises(NotFound, match="there is no action"):
        disputes.close(rt, new_id(), by="sue", reason=FOUND)
    disputes.close(rt, action, by="sue", reason=FOUND)
    with pytest.raises(Refused, match="sue closed this dispute before"):
        disputes.close(rt, action, by="sue", reason="another")
    paid = bureau.begin("S-2", claim="CLM-2")
    bureau.answer(paid, "ada")
    with pytest.raises(Refused, match="the action is EXECUTED, not disputed"):
        disputes.close(rt, bureau.action(paid)["id"], by="sue", reason=FOUND)
