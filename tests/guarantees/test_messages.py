"""A message is only a question: doubled, forged or poisoned, it changes nothing; and beat may be two, or none."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BOTH_BROKERS
from tests.support.bells import first_bell
from tests.support.small_workflows import NAPPING, PAYING
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

QUEUE = "steps.paying.v1"
WORKERS = "SELECT id FROM workers WHERE gone_at IS NULL ORDER BY id"


class Bomb:
    """What an attacker would send to a worker that unpickles: it leaves a file where it goes off."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.crater),)


def _until_answered(stack: Stack) -> None:
    """Wait until every message sent so far was taken, and the worker still does honest work."""
    stack.wait(lambda: stack.bells.waiting(QUEUE) == stack.bells.waiting("sweeps") == 0, "the queues to be empty")
    stack.until_complete(stack.start(PAYING, f"honest {uuid.uuid4()}"))


@BOTH_BROKERS
def test_doubled_and_forged_messages_change_nothing(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack("small_workflows:PAYING")
    stack.workers(2)
    stack.faults.arm("in_step", "rung often", "hold")
    run_id = stack.start(PAYING, "rung often", ring=False)
    bell = first_bell(PAYING, run_id)
    for _ in range(100):  # at once, to both workers, while it is READY and while it runs
        stack.bells.ring([bell])
    stack.until_done("in_step", "rung often")
    _until_answered(stack)
    assert stack.events(run_id) == ["started", "lease taken"], "a doubled bell moved the run"
    stack.faults.release("in_step", "rung often")
    stack.until_complete(run_id)
    ended, sent, worker_rows = stack.run(run_id), stack.requests_of(run_id), stack.all(WORKERS)
    assert sent == 2

    known, unknown = str(run_id), str(uuid.uuid4())
    askings: list[list[Any]] = [
        [known, 1],
        [known, 2],
        [known, 3],
        [known, -1],
        [known, 2**80],
        [known, "1; DROP TABLE runs"],
        [known, None],
        [known],
        [],
        [unknown, 1],
        ["", 1],
        [None, 1],
        ["x" * 100_000, 1],
        [{"id": known}, [1]],
        [known, 1, "more", {"than": "asked"}],
    ]
    for args in askings:
        stack.bells.send("paying.PAYING", args, queue=QUEUE)
    stack.bells.send("paying.CLOSING", [known, 1], queue=QUEUE)
    stack.bells.send("paying.NOWHERE", [known, 1], queue=QUEUE)
    stack.bells.send("os.system", ["true"], queue=QUEUE)
    stack.bells.send("celery.backend_cleanup", [], queue=QUEUE)
    stack.bells.send("longhaul.sweep.heartbeats", ["with", "arguments"], queue="sweeps")
    for n in range(20):
        stack.bells.send("longhaul.sweep.heartbeats", [], queue="sweeps", message_id=f"forged {n}")
    stack.bells.send("paying.PAYING", [Bomb(tmp_path / "crater"), 1], queue=QUEUE, serializer="pickle")
    as_json, as_pickle = {"content_type": "application/json"}, {"content_type": "application/x-python-serialize"}
    bodies: list[tuple[Any, dict[str, Any]]] = [
        ("no headers", {}),
        (b"\x80\x04garbage", {**as_pickle, "content_encoding": "binary"}),
        ("{not json", {**as_json, "content_encoding": "utf-8"}),
        ([], {"headers": {"task": "paying.PAYING"}}),
        ([[known, 1], {}, {}], {"headers": {"task": "paying.PAYING", "id": None}}),
    ]
    for body, properties in bodies:
        stack.bells.publish(body, queue=QUEUE, **properties)
    _until_answered(stack)

    assert stack.run(run_id) == ended
    assert stack.requests_of(run_id) == sent
    assert not (tmp_path / "crater").exists(), "a pickle was loaded"
    assert all(program.alive for program in stack.programs), "a message ended a worker"
    assert stack.all(WORKERS) == worker_rows
    assert stack.all("SELECT count(*) AS n FROM runs WHERE subject NOT LIKE 'honest%%'") == [{"n": 1}]


@BOTH_BROKERS
@pytest.mark.parametrize("beats", [0, 3], ids=["no beat", "three beats"])
def test_sweeps_are_done_once_whether_there_is_no_beat_or_three(make_stack: MakeStack, beats: int) -> None:
    stack = make_stack("small_workflows:NAPPING", "small_workflows:PAYING")
    stack.workers(2)
    for _ in range(beats):
        stack.beat()
    # Timers wake, lost bells are rung again, a dead worker's run is reassigned: each by a sweep, each once.
    napping = [stack.start(NAPPING, f"nap {n}") for n in range(10)]
    unrung = stack.start(PAYING, "unrung", ring=False)
    stack.until_complete(*napping, unrung)
    stack.faults.arm("in_step", "orphan", "hold")
    orphan = stack.start(PAYING, "orphan")
    stack.until_done("in_step", "orphan")
    stack.holder(orphan).kill()
    stack.until_complete(orphan)

    for run_id in napping:
        assert stack.events(run_id).count("timer due") == 1
        assert stack.requests_of(run_id) == stack.payments_of(run_id) == 2
    assert stack.requests_of(unrung) == stack.requests_of(orphan) == 2
    assert stack.events(orphan).count("worker lost") == stack.events(orphan).count("reassigned") == 1
