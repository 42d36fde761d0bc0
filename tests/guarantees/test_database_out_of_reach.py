"""A network that loses everything between workers and the database: it costs time, and no run an attempt or its life."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.programs import Program
from tests.support.relay import Relay
from tests.support.small_workflows import PAYING
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

SILENT_SECONDS = 5
LIMITS = {"silent_seconds": SILENT_SECONDS, "ping_seconds": 1, "observer_age_seconds": 3}


@pytest.fixture
def relay(database_url: str) -> Iterator[Relay]:
    with Relay(database_url) as relay:
        yield relay


def _held(stack: Stack, *names: str) -> list[UUID]:
    """Runs that have paid, each asleep before the end of its step."""
    for name in names:
        stack.faults.arm("in_step", name, "hold")
    runs = [stack.start(PAYING, name) for name in names]
    for name in names:
        stack.until_done("in_step", name)
    return runs


def _until_cut_off(stack: Stack, workers: list[Program]) -> None:
    """Until they know, and until others may believe that they are dead."""
    stack.wait(lambda: all(worker.lines("liveness_broken") for worker in workers), "the workers to notice")
    pids = [pid for worker in workers for pid in worker.pids]
    silent = "SELECT 1 FROM workers WHERE pid = ANY(%s) AND pinged_at < app_now() - make_interval(secs => %s)"
    stack.wait(lambda: len(stack.all(silent, pids, SILENT_SECONDS)) == len(workers), "the workers to be silent")


def _assert_blameless(stack: Stack, runs: list[UUID]) -> None:
    for run_id in runs:
        assert (stack.requests_of(run_id), stack.payments_of(run_id)) == (2, 2), "a call was repeated"
        moves = stack.moves(run_id)
        assert {move["attempt"] for move in moves} == {1}, "an attempt was lost"
        assert not [move for move in moves if move["to_status"] == "DEAD_LETTER"]
        assert not [move for move in moves if move["event"] == "reassigned" and "alone" in move["reason"]], "blamed"


def test_when_all_workers_lose_the_database_nobody_is_judged_and_the_bells_are_left_alone(
    make_stack: MakeStack, relay: Relay
) -> None:
    stack = make_stack("small_workflows:PAYING", **LIMITS)
    workers = stack.workers(2, database_url=relay.url)
    stack.beat()
    runs = _held(stack, "one", "two", "three")
    relay.fall_silent()
    _until_cut_off(stack, workers)
    late = [stack.start(PAYING, f"late {n}") for n in range(8)]
    stack.faults.disarm()  # results that wait to be written
    stack.wait(lambda: stack.bells.waiting("steps.paying.v1") >= 6, "bells to lie there")
    for worker in workers:
        seen = len(worker.lines("liveness_waiting"))
        stack.wait(lambda w=worker, n=seen: len(w.lines("liveness_waiting")) > n, "another try")  # type: ignore[misc]
    # Each may have been about to hear one when it stopped listening; the others are nobody's.
    assert stack.bells.waiting("steps.paying.v1") >= 6, "bells were taken by who could not answer them"

    relay.heal()
    stack.until_complete(*runs, *late)
    _assert_blameless(stack, runs + late)
    assert not [run for run in runs + late if "worker lost" in stack.events(run)], "somebody judged who could not see"
    assert all(worker.alive for worker in workers), "a worker ended though only the database was away"


def test_a_worker_that_alone_loses_the_database_loses_its_runs_without_blame_and_works_again(
    make_stack: MakeStack, relay: Relay
) -> None:
    stack = make_stack("small_workflows:PAYING", **LIMITS)
    (cut_off,) = stack.workers(1, database_url=relay.url)
    stack.beat()
    runs = _held(stack, "one", "two")
    (other,) = stack.workers(1)
    relay.fall_silent()  # and its server's sessions stand: nobody told them
    stack.wait(lambda: all("worker lost" in stack.events(run) for run in runs), "it to be given up")
    stack.until_complete(*runs)
    _assert_blameless(stack, runs)

    relay.heal()
    stack.faults.disarm()
    stack.wait(lambda: len(cut_off.lines("lease_lost")) == 2, "the old threads to notice that their leases are gone")
    stack.wait(lambda: stack.row_of(cut_off)["gone_at"] is None, "it to be known as alive again")
    other.kill()
    afterwards = stack.start(PAYING, "afterwards")
    stack.until_complete(afterwards)
    _assert_blameless(stack, [*runs, afterwards])


def test_a_worker_whose_liveness_hangs_ends_and_another_takes_its_place(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:PAYING", silent_seconds=2, ping_seconds=0.5)
    (worker,) = stack.workers(1, kept=True)
    hung = worker.pid
    stack.faults.arm("in_liveness", deed="hold")
    stack.until_done("in_liveness")
    stack.wait(lambda: worker.pid != hung, "the worker to end, and to be started anew")
    run_id = stack.start(PAYING, "afterwards")
    stack.until_complete(run_id)
    assert stack.payments_of(run_id) == 2
    assert worker.lines("useless")
