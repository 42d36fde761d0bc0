"""A worker killed with -9 at any point of the protocol: its run goes on elsewhere, and nothing is done twice."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from tests.support.faults import Point
from tests.support.small_workflows import BROODING, PAYING, READING, TWO
from tests.support.stack import MakeStack

pytestmark = pytest.mark.guarantee

# The second call of the step is cut off, so that there is a completed first one which must not be repeated.
POINTS: list[tuple[Point, object]] = [
    ("before_intent", 2),
    ("after_intent", 2),
    ("after_act", 2),
    ("after_result", 2),
    ("before_move", "PAYING"),
    ("after_move", "PAYING"),
    ("before_bell", "CLOSING"),
]


@pytest.mark.parametrize(
    ("broker", "points"),
    [("redis", POINTS), pytest.param("rabbitmq", [("after_act", 2)], marks=pytest.mark.rabbitmq)],
    ids=["redis", "rabbitmq"],
    indirect=["broker"],
)
def test_a_run_continues_on_another_worker_and_pays_once_wherever_its_worker_was_killed(
    make_stack: MakeStack, points: list[tuple[Point, object]]
) -> None:
    stack = make_stack("small_workflows:PAYING")
    stack.workers(3, kept=True)
    stack.beat()
    for point, where in points:
        if point == "before_bell" and stack.delivers_locally:
            continue  # the next step goes with the move, and is not rung for
        stack.faults.arm(point, where)
        run_id = stack.start(PAYING, f"killed {point}")
        stack.until_done(point, where)
        stack.until_complete(run_id)

        assert stack.payments_of(run_id) == 2, point
        assert stack.requests_of(run_id, 1) == 1, f"{point}: the completed call was repeated"
        assert stack.requests_of(run_id, 2) == (2 if point == "after_act" else 1), point
        # Who takes the next step's lease with the move dies with that step in hand.
        finished_before = point in ("after_move", "before_bell") and not stack.delivers_locally
        assert stack.events(run_id).count("reassigned") == (0 if finished_before else 1), point
        holders = [move["actor"] for move in stack.moves(run_id) if move["event"] == "lease taken"]
        assert holders[0] != holders[-1], f"{point}: the run did not go on elsewhere"


def test_a_worker_killed_between_two_steps_of_a_chain_loses_nothing_and_the_crash_is_the_new_steps(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(local_delivery=True)
    (worker,) = stack.workers(1, pools="steps")
    stack.workers(1, pools="sweeps")  # sees the other one end, and cannot take its run
    stack.faults.arm("after_move", "FIRST")
    run_id = stack.start(TWO, "killed in between")
    stack.until_done("after_move", "FIRST")
    stack.wait(lambda: "reassigned" in stack.events(run_id), "the run to be taken from the dead")
    lost = next(move for move in stack.moves(run_id) if move["event"] == "worker lost")
    assert (lost["from_state"], lost["step_seq"], lost["attempt"]) == ("SECOND", 2, 1)
    row = stack.run(run_id)
    assert (row["status"], row["state"], row["step_seq"], row["crash_attempts"]) == ("READY", "SECOND", 2, 1)

    stack.workers(1, pools="steps")
    stack.until_complete(run_id)
    assert not worker.alive
    (data,) = stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)
    assert data["data"] == {"steps": ["FIRST", "SECOND"]}, "a finished step was lost or repeated"
    done = [(row["step_seq"], row["status"], row["attempt"]) for row in stack.checkpoints(run_id) if row["step_seq"]]
    assert done == [(1, "COMPLETE", 1), (2, "COMPLETE", 1)]
    assert stack.run(run_id)["crash_attempts"] == 0


def test_a_run_is_reassigned_promptly_though_a_process_its_step_started_lives_on(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack("small_workflows:BROODING")
    stack.workers(2)
    stack.beat()
    run_id = stack.start(BROODING, "brood", {"folder": str(tmp_path)})
    trace = tmp_path / "child"
    stack.wait(lambda: trace.exists() and trace.read_text(), "the step's child")
    child = psutil.Process(int(trace.read_text()))
    try:
        stack.holder(run_id).kill()
        stack.until_complete(run_id)
        assert child.is_running(), "the child died, so nothing was shown"
    finally:
        child.kill()


def test_a_run_is_reassigned_promptly_though_its_worker_was_reading_a_document(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack("small_workflows:READING")
    document = tmp_path / "document"
    os.mkfifo(document)
    descriptor = os.open(document, os.O_RDWR)  # a document that never ends
    try:
        stack.workers(2)
        stack.beat()
        run_id = stack.start(READING, "read", {"folder": str(tmp_path)})
        holder = stack.wait(lambda: stack.run(run_id)["worker_id"] and stack.holder(run_id), "a worker to read")
        stack.wait(lambda: len(holder.pids) > 2, "the reader and the server it is forked from")
        (tmp_path / "readable").write_text("Legible at last.")
        (tmp_path / "readable").replace(document)
        holder.kill()
        stack.until_complete(run_id)
    finally:
        os.close(descriptor)


def test_runs_go_on_though_most_workers_were_killed_at_once(make_stack: MakeStack) -> None:
    stack = make_stack("small_workflows:PAYING")
    workers = stack.workers(3)
    stack.beat()
    runs: list[UUID] = []
    while {stack.holder(run_id).pid for run_id in runs} != {worker.pid for worker in workers}:
        stack.faults.arm("in_step", f"held {len(runs)}", "hold")
        runs.append(stack.start(PAYING, f"held {len(runs)}"))
        stack.until_done("in_step", f"held {len(runs) - 1}")
    stack.until_swept(times=4)
    for worker in workers[1:]:
        worker.kill()
    stack.faults.disarm()
    stack.until_complete(*runs)
    for run_id in runs:
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 2
