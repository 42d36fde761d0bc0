"""A worker that stops without dying, and one that only seems dead: the first loses its runs for good, the second none."""

from __future__ import annotations

import os
import signal
from uuid import UUID

import psycopg
import pytest

from tests.support.faults import Point
from tests.support.small_workflows import PAYING, UNHURRIED
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

_LIVENESS = """SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory'
JOIN workers w ON (l.objid::bigint & 4294967295) = (w.lock_key & 4294967295)
WHERE a.datname = current_database() AND w.pid = ANY(%s)"""


def test_a_stopped_worker_that_wakes_up_sends_and_writes_nothing_for_the_runs_it_lost(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:UNHURRIED", silent_seconds=5, ping_seconds=1)
    # Four runs, each asleep at another point of the protocol when the worker stops. Until all is armed nobody works.
    before_intent, after_intent, before_move = runs = [
        stack.start(UNHURRIED, f"asleep {point}", ring=False)
        for point in ("before intent", "after intent", "before move")
    ]
    asleep: list[tuple[Point, str]] = [
        ("before_intent", f"{before_intent}.2"),
        ("after_intent", f"{after_intent}.2"),
        ("before_move", f"{before_move}.PAYING"),
        ("after_act", "in flight"),
    ]
    for point, where in asleep:
        stack.faults.arm(point, where, "hold")
    in_flight = stack.start(UNHURRIED, "asleep in flight", {"purposes": ["in flight"]})
    (stopped,) = stack.workers(1)
    stack.beat()
    for point, where in asleep:
        stack.until_done(point, where)
    stack.workers(1)

    stopped.freeze()
    stack.faults.arm("after_act", "in flight", "hold")  # the next one who makes this call takes its time too
    stack.until_complete(*runs)
    stack.until_done("after_act", "in flight", processes=2)
    runs.append(in_flight)
    written, sent = [stack.events(run) for run in runs], [stack.requests_of(run) for run in runs]
    assert sent == [2, 2, 2, 2]
    assert all("worker lost" in events for events in written)

    stopped.thaw()
    stack.wait(lambda: stack.row_of(stopped)["gone_at"] is None, "the woken worker to be known as alive again")
    for point, where in asleep:
        stack.faults.release(point, where, pid=stopped.pid)

    def all_noticed() -> bool:
        noticed = len(stopped.lines("lease_lost")) == 4
        assert [stack.requests_of(run) for run in runs] == sent, "the woken worker sent a request"
        assert [stack.events(run) for run in runs] == written, "the woken worker moved a run"
        errors = [line["message"] for line in stopped.lines() if line.get("level") == "ERROR"]
        assert not errors, "the woken worker was stopped by something else than its lost lease"
        return noticed

    stack.wait(all_noticed, "the old threads to notice that their leases are gone")
    assert stack.checkpoints(in_flight)[2]["status"] == "INTENT", "the woken worker wrote a result"

    stack.faults.disarm()
    stack.until_complete(in_flight)
    assert [stack.payments_of(run) for run in runs] == [2, 2, 2, 1]
    # It is a worker like any other again.
    stack.programs[-1].kill()
    stack.until_complete(stack.start(UNHURRIED, "afterwards"))


def _working(make_stack: MakeStack) -> tuple[Stack, UUID]:
    """Two workers, one of them in the middle of a step."""
    # As in production, the looks are further apart than a worker needs to lock again, on a busy machine too.
    stack = make_stack("small_workflows:PAYING", probe_seconds=0.8, looks_apart_seconds=5, heartbeats_seconds=0.3)
    stack.workers(2)
    stack.beat()
    stack.faults.arm("in_step", "working", "hold")
    run_id = stack.start(PAYING, "working")
    stack.until_done("in_step", "working")
    stack.until_swept(times=14)  # so that the observers' sessions are old enough to judge
    return stack, run_id


def test_a_worker_whose_lock_session_is_broken_while_it_works_keeps_its_run(make_stack: MakeStack) -> None:
    stack, run_id = _working(make_stack)
    holder = stack.holder(run_id)
    (session,) = stack.all(_LIVENESS, holder.pids)
    # It takes its time to lock again, so that a look falls into the gap.
    for held in (1, 2):
        stack.faults.arm("in_liveness", deed="hold")
        stack.until_done("in_liveness", processes=held)
    stack.do("SELECT pg_terminate_backend(%s)", session["pid"])
    (cut,) = stack.all("SELECT app_now() AS at")
    look = "SELECT 1 FROM sweeps WHERE name = 'looks' AND last_started_at > %s"
    stack.wait(lambda: stack.all(look, cut["at"]), "a look while its lock is missing")
    stack.faults.release("in_liveness")
    stack.wait(lambda: [s for s in stack.all(_LIVENESS, holder.pids) if s != session], "the worker to lock again")
    stack.until_swept(times=20)

    stack.faults.release("in_step", "working")
    stack.until_complete(run_id)
    assert not {"worker lost", "reassigned"} & set(stack.events(run_id)), "a living worker was given up"
    assert stack.requests_of(run_id) == 2


def test_no_worker_is_declared_dead_when_the_database_crashes(make_stack: MakeStack) -> None:
    if "LONGHAUL_TEST_DATABASE_URL" in os.environ:
        pytest.skip("the named database server cannot be crashed")
    stack, run_id = _working(make_stack)
    (session,) = stack.all(_LIVENESS, stack.holder(run_id).pids)
    os.kill(session["pid"], signal.SIGKILL)  # the server ends all sessions and recovers

    def locked_again() -> bool:
        """Until the server has noticed the crash, it answers, and shows the dead session and its lock as if they stood."""
        try:
            held = stack.all(_LIVENESS, stack.pids)
        except psycopg.OperationalError:
            return False
        return len(held) == 2 and session not in held

    stack.wait(locked_again, "both to lock again")
    stack.until_swept(times=26)

    stack.faults.release("in_step", "working")
    stack.until_complete(run_id)
    assert not {"worker lost", "reassigned"} & set(stack.events(run_id)), "a living worker was given up"
    assert not stack.all("SELECT 1 FROM workers WHERE gone_at IS NOT NULL"), "a living worker was given up"
    assert (stack.requests_of(run_id), stack.payments_of(run_id)) == (2, 2)
