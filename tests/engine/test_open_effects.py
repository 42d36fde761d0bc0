"""What may have had its effect stays open: for a cancel, for a repetition that was refused, for the runs of the dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import NotDone, Refused
from app.engine import start
from app.engine.control import operate
from app.engine.runtime import Registry
from app.humans.complete import complete
from app.store.database import connect
from app.store.runs import runs
from app.store.workers import workers
from app.sweeps import heartbeats
from tests.support.journey import Travel, travel
from tests.support.workflows_that_wait import PAY_FOR_GOOD, SETTLING, Settlement


class Counter:
    """A payments service that answers as the test says, one deed per request."""

    def __init__(self, *deeds: Callable[[], Any]) -> None:
        self.deeds, self.keys = list(deeds), list[str]()

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        self.keys.append(key)
        return self.deeds.pop(0)()


def _raise(problem: BaseException) -> Callable[[], Any]:
    def deed() -> Any:
        raise problem

    return deed


@pytest.fixture
def settling(database_url: str) -> Iterator[Travel]:
    with travel(database_url) as journey:
        journey.rt.workflows = Registry((SETTLING,))
        journey.enrol("bea", "adjuster")
        yield journey


def _approved(journey: Travel, counter: Counter) -> UUID:
    journey.rt.tools = {PAY_FOR_GOOD.name: counter}
    run_id = journey.rt.database.transact(
        lambda db: start.start(db, SETTLING, subject="S-1", data=Settlement(), key=None, actor="test")
    ).run_id
    journey.go()
    task = journey.one("SELECT id FROM human_tasks WHERE run_id = %s", run_id)
    complete(journey.rt, task["id"], by="bea", outcome="pay", answer={})
    return run_id


def _wake(journey: Travel, run_id: UUID) -> None:
    """The timer of a parked step comes due."""
    journey.tamper(
        "UPDATE runs SET status = 'READY', ready_at = app_now() WHERE id = %s AND status = 'WAITING_FOR_TIMER'", run_id
    )
    journey.go()


def test_a_payment_tried_again_after_a_refused_connection_cannot_be_cancelled(settling: Travel) -> None:
    refused: list[str] = []

    def pay() -> Any:
        with pytest.raises(Refused, match="too late to cancel") as said:
            operate.cancel(settling.rt, run_id, actor="person:bea", reason="withdrawn")
        refused.append(str(said.value))
        return {"payment_id": "P-1"}

    counter = Counter(_raise(NotDone("connection refused")), pay)
    run_id = _approved(settling, counter)
    settling.go()
    assert settling.run(run_id)["irreversible_since"] is None, "a call that certainly failed stands no longer"
    _wake(settling, run_id)
    assert refused and settling.run(run_id)["status"] == "COMPLETE"


@pytest.mark.parametrize(("retry", "status"), [(True, "WAITING_FOR_TIMER"), (False, "WAITING_FOR_HUMAN")])
def test_a_refused_repetition_leaves_the_first_send_unknown(settling: Travel, retry: bool, status: str) -> None:
    counter = Counter(_raise(TimeoutError("no answer")), _raise(NotDone("refused", retry=retry)))
    run_id = _approved(settling, counter)
    settling.go()
    _wake(settling, run_id)

    call = settling.one("SELECT status FROM checkpoints WHERE run_id = %s AND call_seq = 1", run_id)
    assert (call["status"], settling.run(run_id)["status"]) == ("UNKNOWN", status)
    assert len(counter.keys) == 2 and len(set(counter.keys)) == 1
    with pytest.raises(Refused, match="too late to cancel"):
        operate.cancel(settling.rt, run_id, actor="person:bea", reason="withdrawn")


def _worker_with_a_run(journey: Travel) -> UUID:
    """A run that a worker holds, whose process is no more."""
    counter = Counter(_raise(KeyboardInterrupt()))
    run_id = _approved(journey, counter)
    with journey.rt.database.transaction() as db:
        workers.register(
            db, journey.rt.worker_id, lock_key=1, liveness="lock", host="here", pid=1, queues=["q"], slots=1
        )
    with pytest.raises(KeyboardInterrupt):
        journey.go()
    return run_id


def _lost(journey: Travel) -> heartbeats.Lost:
    row = journey.one("SELECT id, pinged_at FROM workers")
    return heartbeats.Lost(row["id"], row["pinged_at"], "its database session is gone")


def test_a_worker_is_not_given_up_before_its_last_run_was_taken_from_it(settling: Travel) -> None:
    run_id = _worker_with_a_run(settling)
    with connect(settling.url, "owner") as other, other.transaction():
        runs.lock(other, run_id)  # somebody signals, pauses or looks for a moment
        heartbeats.give_up(settling.rt, _lost(settling))
        assert settling.one("SELECT gone_at FROM workers")["gone_at"] is None, "nobody would look for its run again"
    heartbeats.give_up(settling.rt, _lost(settling))
    assert settling.run(run_id)["status"] == "READY"
    assert settling.one("SELECT gone_at FROM workers")["gone_at"] is not None


def test_a_process_that_leaves_with_a_lease_is_left_to_the_sweep(settling: Travel) -> None:
    run_id = _worker_with_a_run(settling)
    settling.rt.database.transact(lambda db: workers.leave(db, settling.rt.worker_id))
    heartbeats.give_up(settling.rt, _lost(settling))
    assert settling.run(run_id)["status"] == "READY"
    assert settling.run(run_id)["crash_attempts"] == 0, "a planned end is no crash"
    assert settling.one("SELECT gone_at FROM workers")["gone_at"] is not None
