"""A thread goes on with a run's next step as if it had been rung for it: nothing is lost, done twice, or kept from others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import Refused, StoreUnavailable
from app.core.ids import new_token
from app.engine.control import operate, purge
from app.engine.process.liveness import Liveness
from app.engine.step import chain
from app.engine.step.step import run_step
from app.store.database import Database, connect
from app.store.journal.grouped import GroupedJournal
from app.store.records.verify import verify
from app.store.runs import runs, steps
from tests.support.chains import Between, Kept, begin, goes_on, slot, step, three_steps, work_slot
from tests.support.journey import Travel, travel
from tests.support.waiting import wait_for

THREE = three_steps()
WHY: dict[str, Any] = {"actor": "person:o", "reason": "asked to"}
CHAINED = ["started", "lease taken", "step finished", "lease taken", "step finished", "lease taken", "ended"]


@pytest.fixture
def worker(database_url: str) -> Iterator[Travel]:
    """A worker whose threads go on."""
    with travel(database_url, workflows=(THREE,), probe_seconds=0.05, ping_seconds=0.05) as journey:
        goes_on(journey.rt)
        yield journey


def events(journey: Travel) -> list[str]:
    return [row["event"] for row in journey.rows("SELECT event FROM transitions ORDER BY run_id, seq")]


def rung(journey: Travel) -> list[str]:
    return [bell.state for bell in journey.rt.dispatcher.rung]  # type: ignore[attr-defined]


def holds(journey: Travel, run_id: Any) -> bool:
    return bool(journey.rt.database.transact(lambda db: verify(db, run_id)).holds)


def test_a_slot_goes_through_the_run_and_writes_what_single_steps_write(worker: Travel) -> None:
    run_id = begin(worker, THREE)
    assert work_slot(worker.rt, run_id) == 3
    run = worker.run(run_id)
    assert (run["status"], run["transition_seq"], run["crash_attempts"]) == ("COMPLETE", 7, 0)
    assert events(worker) == CHAINED
    assert runs_data(worker, run_id)["worked"] == ["ONE", "TWO", "THREE"]
    assert holds(worker, run_id)
    assert worker.rt.dispatcher.rung == []  # type: ignore[attr-defined]
    assert worker.rt.holdings.all() == []

    worker.rt.onward.queues = ()
    by_bells = begin(worker, THREE, "C-2")
    worker.go()
    kept = """SELECT step_seq, call_seq, step_name, kind, name, status, input, output, output_hash, errors, attempt,
              lease_token IS NULL AS unleased FROM checkpoints WHERE run_id = %s ORDER BY 1, 2"""
    moves = """SELECT seq, event, from_state, from_status, to_state, to_status, step_seq, attempt, actor, reason,
               payload_hash, salt IS NULL AS unsalted, move_id IS NULL AS unmoved FROM transitions WHERE run_id = %s ORDER BY seq"""
    for query in (kept, moves):
        assert worker.rows(query, run_id) == worker.rows(query, by_bells)


def runs_data(journey: Travel, run_id: Any) -> Any:
    return journey.rt.database.transact(lambda db: runs.data_of(db, run_id))


def test_no_hash_of_a_run_breaks_its_chain(worker: Travel) -> None:
    """The statement is told the hash that the run's chain ended with: any bytes, through the journal that workers have."""
    worker.rt.journal.close()
    worker.rt.journal = GroupedJournal(Database(worker.url, "worker"))
    ids = [begin(worker, THREE, f"C-{n}") for n in range(100)]
    for run_id in ids:
        work_slot(worker.rt, run_id)
    assert rung(worker) == []
    assert {worker.run(run_id)["status"] for run_id in ids} == {"COMPLETE"}


def test_each_step_of_a_chain_has_its_own_lease_its_own_time_and_its_own_count(worker: Travel) -> None:
    run_id, rt = begin(worker, THREE), worker.rt
    with slot(rt):
        run_step(rt, run_id, 1, workflow="three", state="ONE")
        kept = rt.onward.next
        assert kept is not None
        row = worker.run(run_id)
        assert (row["status"], row["state"], row["step_seq"]) == ("RUNNING", "TWO", 2)
        assert (row["lease_token"], row["worker_id"]) == (kept.holding.token, rt.worker_id)
        assert (row["crash_attempts"], row["attempt"], row["ready_at"]) == (1, 1, None)
        assert row["deadline_at"] - row["updated_at"] == timedelta(minutes=3)
        assert [(held.step_seq, held.leased) for held in rt.holdings.all()] == [(2, True)]
        finished, leased = worker.rows("SELECT * FROM transitions WHERE run_id = %s ORDER BY seq DESC LIMIT 2", run_id)[
            ::-1
        ]
        assert finished["created_at"] == leased["created_at"] == row["updated_at"]
        assert (leased["move_id"], leased["hash"]) == (kept.holding.token, row["transition_hash"])
    assert worker.run(run_id)["status"] == "READY", "what the slot did not begin is handed back at once"
    assert worker.run(run_id)["crash_attempts"] == 0
    assert rt.holdings.all() == []
    assert holds(worker, run_id)


# What a thread keeps is what it would read.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=JSON, then=JSON)
def test_what_a_thread_keeps_is_what_it_would_read(worker: Travel, first: Any, then: Any) -> None:
    def work(step: Any, data: Kept) -> None:
        data.anything = then

    rt, three = worker.rt, three_steps(work)
    rt.workflows = type(rt.workflows)((three,))
    run_id = begin(worker, three, f"C-{new_token()}", anything=first)
    with slot(rt):
        run_step(rt, run_id, 1, workflow="three", state="ONE")
        kept = rt.onward.next
        assert kept is not None
        read = rt.journal.write(run_id, steps.leased(run_id, 2, kept.holding.token), until=float("inf"))
        assert kept == chain.taken_by(kept.holding, *read)


def test_what_a_step_changes_inside_a_value_it_was_given_is_kept(worker: Travel) -> None:
    def work(step: Any, data: Kept) -> None:
        data.anything["inner"]["seen"].append(step.state)

    three = three_steps(work, noted=False)  # nothing else changes
    worker.rt.workflows = type(worker.rt.workflows)((three,))
    run_id = begin(worker, three, anything={"inner": {"seen": []}})
    work_slot(worker.rt, run_id)
    assert runs_data(worker, run_id)["anything"] == {"inner": {"seen": ["ONE", "TWO", "THREE"]}}


# Liveness and shutdown.


def test_a_ping_between_the_commit_and_the_next_step_takes_nothing_from_the_thread(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    alive = Liveness(rt, queues=["q"], slots=1)
    alive.start()
    pings = "SELECT xmin::text::bigint AS n FROM workers"

    def until_pinged_twice() -> None:
        for _ in range(2):
            before = worker.one(pings)
            wait_for(lambda before=before: worker.one(pings) != before, "a ping")  # type: ignore[misc]

    Between(rt, after=until_pinged_twice)
    try:
        assert work_slot(rt, run_id) == 3
    finally:
        alive.stop()
    assert events(worker) == CHAINED


@pytest.mark.parametrize("moment", ["before the write", "after the write", "once the step is kept"])
def test_a_shutdown_at_any_moment_leaves_the_run_to_others_and_counts_nothing(worker: Travel, moment: str) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    alive = Liveness(rt, queues=["q"], slots=1)
    alive.start()
    try:
        if moment == "before the write":
            Between(rt, before=alive.shut_down)
        if moment == "after the write":
            Between(rt, after=alive.shut_down)
        with slot(rt):
            run_step(rt, run_id, 1, workflow="three", state="ONE")
            if moment == "once the step is kept":
                alive.shut_down()
                assert rt.onward.next is not None
                assert step(rt, rt.onward.next) == "lease lost"
            assert rt.onward.next is None
    finally:
        alive.stop()
    run = worker.run(run_id)
    assert (run["status"], run["lease_token"], run["crash_attempts"]) == ("READY", None, 0)
    assert rt.holdings.all() == []
    assert run["state"] == ("ONE" if moment == "before the write" else "TWO")


def test_a_shutdown_during_the_write_leaves_no_lease_behind(worker: Travel) -> None:
    """The shutdown looks for the next lease before it is written, and for the last one after: the thread finds it."""
    rt, run_id = worker.rt, begin(worker, THREE)

    def told_to_stop() -> None:
        rt.holdings.accepting, rt.holdings.stopping = False, True
        rt.holdings.without_intent()

    Between(rt, before=told_to_stop)
    assert work_slot(rt, run_id) == 1
    run = worker.run(run_id)
    assert (run["status"], run["state"], run["crash_attempts"]) == ("READY", "TWO", 0)


def test_a_lease_that_comes_after_vouching_ended_is_handed_back_at_once(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    Between(rt, after=lambda: rt.holdings.vouch(0.0))
    with slot(rt):
        assert run_step(rt, run_id, 1, workflow="three", state="ONE") == "step finished"
        assert rt.onward.next is None
    assert worker.run(run_id)["status"] == "READY"


# The write itself.


def test_a_commit_whose_answer_was_lost_is_recognised_and_the_thread_goes_on(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    inner = rt.journal.write
    twice: Any = lambda run, statements, **named: (inner(run, statements, **named), inner(run, statements, **named))[1]  # noqa: E731
    rt.journal.write = twice  # type: ignore[method-assign]
    assert work_slot(rt, run_id) == 3
    assert events(worker) == CHAINED
    assert holds(worker, run_id)


@pytest.mark.parametrize("asked", ["pause", "cancel"])
def test_what_is_asked_at_the_boundary_is_done_there(worker: Travel, asked: str) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    ask = {
        "pause": lambda: operate.pause(rt, run_id, actor="person:o", reason="wait"),
        "cancel": lambda: operate.cancel(rt, run_id, actor="person:o", reason="enough"),
    }[asked]
    Between(rt, before=ask)
    assert work_slot(rt, run_id) == 1
    assert worker.run(run_id)["status"] == {"pause": "PAUSED", "cancel": "CANCELLED"}[asked]
    assert worker.rt.holdings.all() == []
    assert holds(worker, run_id)


def test_nobody_goes_on_with_a_run_that_was_taken_away(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    Between(rt, before=lambda: worker.tamper("UPDATE runs SET lease_token = gen_random_uuid()"))
    with slot(rt):
        assert run_step(rt, run_id, 1, workflow="three", state="ONE") == "lease lost"
    assert events(worker) == CHAINED[:2]


def test_no_next_lease_is_given_to_a_worker_that_others_gave_up(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)
    alive = Liveness(rt, queues=["q"], slots=1)
    alive._pause.wait = lambda *_: True  # type: ignore[method-assign]  # it does not ping, and so never learns it
    alive.start()
    Between(rt, before=lambda: worker.tamper("UPDATE workers SET gone_at = app_now()"))
    assert work_slot(rt, run_id) == 1
    assert (worker.run(run_id)["status"], rung(worker)) == ("READY", ["TWO"])


def test_a_database_that_does_not_answer_in_time_ends_the_chain_and_both_leases_are_given_up(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE)

    def away() -> None:
        raise StoreUnavailable("it does not answer")

    Between(rt, before=away)
    with slot(rt):
        assert run_step(rt, run_id, 1, workflow="three", state="ONE") == "store unavailable"
        assert rt.onward.next is None
    assert rt.holdings.all() == []
    assert {held.step_seq for held in rt.holdings.given_up()} == {1, 2}


def test_a_blocked_run_goes_on_by_itself_and_holds_up_no_other(worker: Travel) -> None:
    rt = worker.rt
    rt.journal.close()
    rt.journal = GroupedJournal(Database(worker.url, "worker"))
    blocked, other = begin(worker, THREE, "C-1"), begin(worker, THREE, "C-2")
    reached = threading.Event()
    with connect(worker.url, "owner") as session:

        def lock_once() -> None:
            if not reached.is_set():
                session.execute("BEGIN")
                session.execute("SELECT 1 FROM runs WHERE id = %s FOR UPDATE", [blocked])
                reached.set()

        Between(rt, before=lock_once)
        thread = threading.Thread(target=work_slot, args=(rt, blocked))
        thread.start()
        assert reached.wait(10)
        work_slot(rt, other)
        worker.go()
        assert worker.run(other)["status"] == "COMPLETE"
        session.execute("COMMIT")
        thread.join(20)
    worker.go()  # what waited so long goes on by a bell
    assert worker.run(blocked)["status"] == "COMPLETE"
    assert events(worker) == CHAINED * 2


def test_a_run_in_a_chain_is_never_erased_and_afterwards_nothing_of_it_is_kept(worker: Travel) -> None:
    rt, run_id = worker.rt, begin(worker, THREE, anything="a secret")
    with slot(rt):
        run_step(rt, run_id, 1, workflow="three", state="ONE")
        with pytest.raises(Refused):
            purge.purge(rt.database, run_id, forget_document=lambda _: True, **WHY)
        while kept := rt.onward.next:
            step(rt, kept)
    purge.purge(rt.database, run_id, forget_document=lambda _: True, **WHY)
    assert "a secret" not in str(worker.rows("SELECT * FROM checkpoints")) + str(worker.rows("SELECT * FROM run_data"))
    assert holds(worker, run_id)
