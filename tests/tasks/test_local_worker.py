"""In a real worker each step of a chain is a task of its own for Celery and for Flower; only its slot stays."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.core.workflow import Workflow
from tasks.celery import app
from tests.conftest import BOTH_BROKERS
from tests.support.stack import MakeStack, Stack
from tests.support.told import ELSEWHERE, MISHAPS, THREE, VERSION_2, Told, told

pytestmark = pytest.mark.stack

EVENTS = ("task-received", "task-started", "task-succeeded")
LOCAL = {"local_delivery": True, "dispatch_seconds": 600}  # a run that is left to the sweep would stand still


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the worker writes down what it was told."""
    return tmp_path / "told"


def ids(run_id: UUID) -> list[str]:
    return [f"{run_id}.{state}.{n}" for n, state in enumerate(("ONE", "TWO", "THREE"), 1)]


def runs_through(stack: Stack, file: Path, subject: str, workflow: Workflow = THREE) -> UUID:
    """A run that completed, and of whose last step all was told."""
    run_id = stack.start(workflow, subject)
    stack.until_complete(run_id)
    last = ids(run_id)[-1]
    stack.wait(lambda: any(line["id"] == last for line in told(file, "task-succeeded")), "the last step to be told of")
    return run_id


def of_run(file: Path, run_id: UUID, *whats: str) -> list[Told]:
    return [line for line in told(file, *whats) if (line["id"] or "").startswith(str(run_id))]


def require_chain(stack: Stack, run_id: UUID) -> None:
    """Every step after the first was taken with the move before it."""
    moves = stack.moves(run_id)
    taken = [move["created_at"] for move in moves if move["event"] == "lease taken"]
    finished = [move["created_at"] for move in moves if move["event"] == "step finished"]
    assert taken[1:] == finished, stack.evidence()


@BOTH_BROKERS
def test_each_step_is_a_task_with_its_own_signals_request_and_events(
    make_stack: MakeStack, broker_url: str, file: Path
) -> None:
    stack = make_stack("told:THREE", **LOCAL, test_told=file)
    seen: list[dict[str, Any]] = []
    with app.connection_for_read(url=broker_url) as connection:
        receiver = app.events.Receiver(connection, handlers=dict.fromkeys(EVENTS, seen.append))
        watching = threading.Thread(target=receiver.capture, kwargs={"wakeup": False}, daemon=True)
        watching.start()
        stack.workers(1, pools="steps,sweeps")
        run_id = runs_through(stack, file, "three")
        stack.wait(lambda: len([e for e in seen if e["uuid"] in ids(run_id)]) == 9, "all events of the three steps")
        receiver.should_stop = True
        watching.join(60)
    require_chain(stack, run_id)

    signals = of_run(file, run_id, "prerun", "step", "postrun")
    assert [(line["what"], line["id"]) for line in signals] == [
        (what, step) for step in ids(run_id) for what in ("prerun", "step", "postrun")
    ]
    assert len({line["thread"] for line in signals}) == 1
    assert [line["state"] for line in signals if line["what"] == "postrun"] == ["SUCCESS"] * 3
    assert [line["id"] for line in of_run(file, run_id, "received")] == ids(run_id)

    for n, line in enumerate(of_run(file, run_id, "step"), 1):
        delivered = {"exchange": "", "routing_key": "steps.three.v1", "priority": None, "redelivered": False}
        assert line["request"] == {
            "id": line["id"],
            "root_id": line["id"],
            "args": [str(run_id), n],
            "is_eager": False,
            "called_directly": False,
            "hostname": "w0@localhost",
            "delivery_info": delivered,
        }

    runtimes = {line["id"]: line["runtime"] for line in of_run(file, run_id, "success")}
    assert list(runtimes) == ids(run_id)
    events = {step: {e["type"]: e for e in seen if e["uuid"] == step} for step in ids(run_id)}
    assert all(set(types) == set(EVENTS) for types in events.values())
    assert {step: types["task-succeeded"]["runtime"] for step, types in events.items()} == runtimes
    for n, step in enumerate(ids(run_id)[1:], 2):
        assert events[step]["task-received"]["args"] == f"('{run_id}', {n})"


def test_the_slot_of_a_chain_is_never_seen_free_and_its_end_wakes_the_consumer(
    make_stack: MakeStack, file: Path
) -> None:
    stack = make_stack("told:THREE", **LOCAL, test_told=file)
    stack.workers(1, "-c", "1", pools="steps,sweeps")
    run_id = runs_through(stack, file, "starved")
    require_chain(stack, run_id)
    # Right after a request is ready the next one stands there already.
    assert [line["reserved"] for line in of_run(file, run_id, "task-succeeded")] == [1, 1, 0]
    assert all(line["reserved"] >= 1 for line in of_run(file, run_id, "prerun", "step", "postrun", "task-started"))
    told_of = [(line["starved"], line["woken"]) for line in of_run(file, run_id, "freed")]
    assert told_of == [(True, False), (True, False), (True, True)]
    runs_through(stack, file, "and serves others")


def test_whatever_happens_between_two_steps_the_run_goes_on_and_the_slot_serves_others(
    make_stack: MakeStack, file: Path
) -> None:
    stack = make_stack("told:THREE", local_delivery=True, test_told=file)
    stack.workers(1, "-c", "1", pools="steps,sweeps")
    for mishap in MISHAPS:
        run_id = stack.start(THREE, mishap)
        stack.until_complete(run_id)
        moves = stack.moves(run_id)
        assert [m["reason"] for m in moves if m["event"] == "lease handed back"] == (
            [] if mishap in ("prerun raises", "postrun raises") else ["its thread did not begin with it"]
        ), mishap
        assert {m["attempt"] for m in moves} == {1}
        assert stack.all("SELECT data FROM run_data WHERE run_id = %s", run_id)[0]["data"] == {
            "states": ["ONE", "TWO", "THREE"]
        }, mishap
        after = runs_through(stack, file, f"after {mishap}")
        (first, *_) = of_run(file, after, "step")
        assert (first["reserved"], first["active"], first["requests"]) == (1, 1, 1), f"{mishap}: a request is left over"


def test_a_next_state_in_a_pool_that_others_serve_is_rung_for(make_stack: MakeStack, file: Path) -> None:
    stack = make_stack("told:ELSEWHERE", **LOCAL, test_told=file)
    stack.workers(1, pools="steps,sweeps")
    run_id = stack.start(ELSEWHERE, "elsewhere")
    stack.wait(lambda: stack.bells.waiting("documents.elsewhere.v1"), "the bell for the other pool")
    row = stack.run(run_id)
    assert (row["status"], row["state"], row["lease_token"]) == ("READY", "TWO", None)
    stack.workers(1, pools="documents")
    stack.until_complete(run_id)


def test_a_next_state_of_a_version_that_others_serve_is_rung_for(make_stack: MakeStack, file: Path) -> None:
    stack = make_stack("told:VERSION_1", "told:VERSION_2", **LOCAL, test_told=file)
    stack.workers(1, "-Q", "steps.versions.v1", pools="steps")
    run_id = stack.start(VERSION_2, "of version 2", ring=False)
    stack.bells.send("versions.ONE", [str(run_id), 1], queue="steps.versions.v1", message_id=ids(run_id)[0])
    stack.wait(lambda: stack.bells.waiting("steps.versions.v2"), "the bell for the other version")
    assert stack.run(run_id)["status"] == "READY"
    assert [line["id"] for line in of_run(file, run_id, "step")] == ids(run_id)[:1]
