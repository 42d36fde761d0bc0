"""Any past moment, rebuilt from the history, is what somebody looking at that moment saw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.canonical import canonical, restore
from app.engine.control import operate
from app.engine.control.signals import signal
from app.engine.onward import Onward
from app.engine.step import chain
from app.engine.step.step import run_step
from app.evidence import records as pack_records
from app.humans.complete import complete
from app.store.database import connect
from app.store.reads import history
from app.store.records import verify
from app.sweeps import timers
from tests.support.journey import Travel, travel


@dataclass(frozen=True)
class Seen:
    """A run as somebody looking at `at` saw it."""

    at: datetime
    run_id: UUID
    state: str
    status: str
    step_seq: int
    attempt: int
    data: str


class Witness:
    """Looks at every run there is, again and again, as it moves."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Seen] = []

    def look(self) -> None:
        with connect(self.url, "owner") as db:
            rows = db.execute(
                "SELECT app_now() AS at, r.id, r.state, r.status, r.step_seq, r.attempt, d.data FROM runs r "
                "JOIN run_data d ON d.run_id = r.id"
            ).fetchall()
        for r in rows:
            data = canonical(restore(r["data"]))
            self.seen.append(Seen(r["at"], r["id"], r["state"], r["status"], r["step_seq"], r["attempt"], data))


def _rebuilt(travel: Travel, run_id: UUID, at: datetime) -> Any:
    return travel.rt.database.transact(lambda db: history.stood_at(db, run_id, at))


def _stops_and_starts(t: Travel, witness: Witness) -> None:
    """A doubt and its correction, failures up to the last, a retry, a pause."""
    t.enrol("ada", "adjuster", "operator")
    run_id = t.begin(mood="doubtful")

    def then(*work: Any) -> None:
        for one in work:
            one()
            witness.look()

    def answer(outcome: str, **values: Any) -> None:
        task = t.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)
        complete(t.rt, task["id"], by="ada", outcome=outcome, answer=values)

    then(witness.look, t.go)
    then(lambda: answer("again", comment="ask once more", data={"mood": "flaky", "amount": "3.25"}), t.go)
    t.advance_clock(timedelta(minutes=10))
    then(lambda: timers.run_once(t.rt), t.go)  # the last attempt: FAILED_RETRIABLE
    then(lambda: operate.retry(t.rt, run_id, actor="person:ada", reason="the registry is back"))
    then(lambda: operate.pause(t.rt, run_id, actor="person:ada", reason="wait a moment"))
    then(lambda: operate.resume(t.rt, run_id, actor="person:ada", reason="go on"))


def test_a_witness_and_the_history_agree_on_a_run_that_stops(database_url: str) -> None:
    witness = Witness(database_url)
    with travel(database_url, look=witness.look) as t:
        _stops_and_starts(t, witness)
        t.go()
        witness.look()
        _agree(t, witness)
        assert {seen.status for seen in witness.seen} >= {
            "READY",
            "RUNNING",
            "WAITING_FOR_HUMAN",
            "WAITING_FOR_TIMER",
            "FAILED_RETRIABLE",
            "PAUSED",
        }
        assert len({seen.data for seen in witness.seen}) > 1, "a correction must have changed the data"


def test_a_witness_and_the_history_agree_to_the_end(database_url: str) -> None:
    witness = Witness(database_url)
    with travel(database_url, look=witness.look) as t:
        t.enrol("ada", "adjuster")
        run_id = t.begin()
        witness.look()
        t.go()
        task = t.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
        complete(t.rt, task["id"], by="ada", outcome="approved", answer={"amount": "12.50"})
        witness.look()
        t.go()
        signal(t.rt, run_id, "letter", {"pages": 2}, signal_id="s1", actor="test")
        witness.look()
        t.go()
        t.advance_clock(timedelta(hours=2))
        timers.run_once(t.rt)
        witness.look()
        t.go()
        _agree(t, witness)
        statuses = {seen.status for seen in witness.seen if seen.run_id == run_id}
        assert statuses >= {"WAITING_FOR_EVENT", "WAITING_FOR_CHILDREN", "WAITING_FOR_TIMER", "COMPLETE"}
        assert len({seen.run_id for seen in witness.seen}) == 3, "the children are looked at too"


@pytest.mark.parametrize("corrected", [False, True])
def test_a_clock_set_back_changes_nothing_of_what_a_run_left(journey: Travel, corrected: bool) -> None:
    journey.enrol("ada", "adjuster", "operator")
    run_id = journey.begin(**({"mood": "doubtful"} if corrected else {}))
    journey.go()
    if corrected:
        task = journey.one("SELECT id FROM human_tasks WHERE status = 'OPEN'")
        answer = {"comment": "ask once more", "data": {"mood": "flaky", "amount": "3.25"}}
        complete(journey.rt, task["id"], by="ada", outcome="again", answer=answer)
    held = canonical(restore(journey.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"]))
    journey.advance_clock(timedelta(hours=-1))
    journey.go()
    operate.cancel(journey.rt, run_id, actor="person:ada", reason="sent twice")
    told = journey.rt.database.transact(lambda db: verify.verify(db, run_id))
    assert told.broken is None, "what the last step left is found, though it lies in the future"
    now = journey.one("SELECT app_now() AS at")["at"]
    assert canonical(_rebuilt(journey, run_id, now).data) == held
    places = journey.rows("SELECT * FROM checkpoints WHERE run_id = %s", run_id)
    assert canonical(restore(pack_records._left(places))) == held, "and so it is in a pack"


def test_at_the_very_moment_of_a_transition_it_has_happened(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    for move in journey.rows("SELECT created_at, to_state, to_status, seq FROM transitions WHERE run_id = %s", run_id):
        stood = _rebuilt(journey, run_id, move["created_at"])
        assert (stood.state, stood.status, stood.transition_seq) == (move["to_state"], move["to_status"], move["seq"])


def test_before_its_beginning_there_was_no_run(journey: Travel) -> None:
    run_id = journey.begin()
    began = journey.run(run_id)["created_at"]
    assert _rebuilt(journey, run_id, began - timedelta(microseconds=1)) is None
    assert _rebuilt(journey, run_id, began) is not None


def test_history_reads_nothing_that_is_overwritten(journey: Travel) -> None:
    run_id = journey.begin()
    journey.go()
    now = journey.one("SELECT app_now() AS at")["at"]
    before = _rebuilt(journey, run_id, now)
    journey.tamper("UPDATE runs SET state = 'NOWHERE', status = 'PAUSED' WHERE id = %s", run_id)
    journey.tamper("UPDATE runs SET data_step = NULL WHERE id = %s", run_id)
    assert journey.one("SELECT data FROM run_data WHERE run_id = %s", run_id)["data"] is None
    assert _rebuilt(journey, run_id, now) == before


def _agree(t: Travel, witness: Witness) -> None:
    assert len(witness.seen) > 8
    for seen in witness.seen:
        stood = _rebuilt(t, seen.run_id, seen.at)
        assert stood is not None
        found = Seen(
            seen.at, seen.run_id, stood.state, stood.status.value, stood.step_seq, stood.attempt, canonical(stood.data)
        )
        assert found == seen


def test_of_two_transitions_of_one_moment_each_can_be_shown(journey: Travel) -> None:
    rt, run_id = journey.rt, journey.begin()
    (ready,) = journey.rows("SELECT queue FROM runs WHERE id = %s", run_id)
    rt.onward = Onward(rt.holdings, queues={ready["queue"]}, serves=lambda *_: True)
    chain.begin(rt)
    run_step(rt, run_id, 1, workflow="journey", state="GATHERING")  # and takes the lease of the next with its move
    _, _, finished, taken = journey.rows(
        "SELECT seq, created_at FROM transitions WHERE run_id = %s ORDER BY seq", run_id
    )
    assert finished["created_at"] == taken["created_at"], "nothing was shown"

    def after(seq: int) -> tuple[int, str, str]:
        stood = rt.database.transact(lambda db: history.stood_after(db, run_id, seq))
        assert stood is not None
        return stood.transition_seq, stood.event, stood.status.value

    assert after(3) == (3, "step finished", "READY")
    assert after(4) == (4, "lease taken", "RUNNING")
    assert rt.database.transact(lambda db: history.stood_after(db, run_id, 5)) is None
    assert _rebuilt(journey, run_id, taken["created_at"]).transition_seq == 4, "what a look at that moment could see"
    chain.end(rt)
