"""Executed is what we sent; confirmed is what the other side says when it is asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.errors import NotDone
from app.sweeps import actions as sweep
from app.sweeps import alerts
from tests.actions.conftest import Bureau

NOTHING = {"confirmed": 0, "disputed": 0, "unasked": 0, "settled": 0, "voided": 0}


def paid(bureau: Bureau) -> Any:
    """A run that has paid."""
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    return run_id


def open_alerts(bureau: Bureau) -> list[str]:
    """What is wrong, as the alerts sweep sees it now."""
    alerts.run_once(bureau.journey.rt)
    rows = bureau.journey.rows("SELECT message FROM alerts WHERE rule = 'action_unconfirmed' AND resolved_at IS NULL")
    return [row["message"] for row in rows]


def test_the_service_confirms_what_it_was_sent_once(bureau: Bureau) -> None:
    run_id = paid(bureau)
    assert sweep.run_once(bureau.journey.rt) == NOTHING | {"confirmed": 1}
    action = bureau.action(run_id)
    assert (action["status"], action["confirmation"]["payment_id"]) == ("CONFIRMED", "P-1")
    assert sweep.run_once(bureau.journey.rt) == NOTHING
    assert open_alerts(bureau) == []


@pytest.mark.parametrize("field", ["amount", "payee", "currency", "claim"])
def test_what_the_service_knows_otherwise_is_disputed_and_an_alert_until_it_agrees(bureau: Bureau, field: str) -> None:
    run_id = paid(bureau)
    (record,) = bureau.till.paid.values()
    right, record[field] = record[field], "another"
    assert sweep.run_once(bureau.journey.rt)["disputed"] == 1
    assert bureau.action(run_id)["status"] == "DISPUTED"
    (message,) = open_alerts(bureau)
    assert "payment of 100.00 USD to Ada Ferncastle for CLM-1" in message and "says something else" in message
    record[field] = right
    assert sweep.run_once(bureau.journey.rt)["confirmed"] == 1
    assert open_alerts(bureau) == []
    assert len(bureau.till.sent) == 1, "a dispute is never paid again"


def test_what_the_service_does_not_know_is_disputed_once_it_has_had_time(bureau: Bureau) -> None:
    paid(bureau)
    bureau.till.paid.clear()
    assert sweep.run_once(bureau.journey.rt)["unasked"] == 1, "it may be a little behind"
    bureau.journey.advance_clock(timedelta(minutes=2))
    assert sweep.run_once(bureau.journey.rt)["disputed"] == 1


def test_a_service_that_cannot_be_asked_is_asked_again_and_an_alert_after_an_hour(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = paid(bureau)

    def away(key: str, params: Any) -> Any:
        raise NotDone("connection refused")

    monkeypatch.setattr(bureau.till, "reconcile", away)
    assert sweep.run_once(bureau.journey.rt)["unasked"] == 1
    assert bureau.action(run_id)["status"] == "EXECUTED"
    assert open_alerts(bureau) == []
    bureau.journey.advance_clock(timedelta(hours=2))
    (message,) = open_alerts(bureau)
    assert "could not be asked" in message
    monkeypatch.undo()
    assert sweep.run_once(bureau.journey.rt)["confirmed"] == 1
    assert open_alerts(bureau) == []


def test_a_tool_nobody_can_ask_about_is_not_asked_for_ever(bureau: Bureau) -> None:
    bureau.journey.rt.tools = {"payments.pay": bureau.till.__call__}
    run_id = paid(bureau)
    assert sweep.run_once(bureau.journey.rt)["confirmed"] == 1
    assert bureau.action(run_id)["status"] == "EXECUTED"
    assert sweep.run_once(bureau.journey.rt) == NOTHING
    assert open_alerts(bureau) == []


def lost() -> None:
    raise TimeoutError("no answer")


def stopped(bureau: Bureau) -> Any:
    """A run that was stopped while nobody knew whether it had paid."""
    bureau.till.after = lost
    run_id = paid(bureau)
    assert bureau.action(run_id)["status"] == "UNKNOWN"
    bureau.journey.tamper("UPDATE runs SET status = 'FAILED_RETRIABLE' WHERE id = %s", run_id)
    bureau.till.after = lambda: None
    return run_id


def test_what_a_stopped_run_left_in_doubt_is_settled_by_asking_and_not_paid_again(bureau: Bureau) -> None:
    run_id = stopped(bureau)
    assert sweep.run_once(bureau.journey.rt)["settled"] == 1
    assert bureau.action(run_id)["status"] == "EXECUTED"
    bureau.journey.tamper("UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s", run_id)
    bureau.journey.go()
    assert bureau.status(run_id) == "COMPLETE"
    assert len(bureau.till.sent) == 1


def test_what_the_service_does_not_know_stays_in_doubt(bureau: Bureau) -> None:
    run_id = stopped(bureau)
    bureau.till.paid.clear()
    assert sweep.run_once(bureau.journey.rt)["settled"] == 0
    assert bureau.action(run_id)["status"] == "UNKNOWN"


def test_what_ended_runs_no_longer_need_is_void(bureau: Bureau) -> None:
    run_id = bureau.begin()
    bureau.answer(run_id, "ada", amount="700")  # waits for a second person
    assert sweep.run_once(bureau.journey.rt)["voided"] == 0
    bureau.journey.tamper("UPDATE runs SET status = 'CANCELLED' WHERE id = %s", run_id)
    assert sweep.run_once(bureau.journey.rt)["voided"] == 1
    assert bureau.action(run_id)["status"] == "VOID"
