"""What we refuse is seen: each refused message is counted in a row, and refusing it costs nobody any time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.conftest import BOTH_BROKERS
from tests.support import junk
from tests.support.programs import Program
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

NAMELESS: dict[str, Any] = {"headers": {}}
COUNTED = "SELECT coalesce(sum(count), 0)::int AS n FROM refused_messages WHERE what = %s"


def counted(stack: Stack, what: str = "bell") -> int:
    n: int = stack.all(COUNTED, what)[0]["n"]
    return n


def refuse(stack: Stack, count: int, queue: str, *workers: Program) -> None:
    """Send so many messages that name no task, and wait until each has its log line."""
    before = sum(len(worker.lines("bell_refused")) for worker in workers)
    for _ in range(count):
        stack.bells.publish(junk.NOTHING, queue=queue, **NAMELESS)
    lines = lambda: sum(len(worker.lines("bell_refused")) for worker in workers) == before + count  # noqa: E731
    stack.wait(lines, f"{count} messages to be refused")


@contextmanager
def rows_locked(stack: Stack) -> Iterator[None]:
    """Nobody can write what was refused, as if the database hung for that."""
    with psycopg.connect(stack.database_url) as db:
        db.execute("LOCK TABLE refused_messages IN EXCLUSIVE MODE")
        yield


@BOTH_BROKERS
def test_every_refused_message_is_counted_by_what_it_asked_for_and_why(make_stack: MakeStack, broker_url: str) -> None:
    """By the main process of a threads pool, by a prefork parent and its child, and by the task that starts runs."""
    stack = make_stack("small_workflows:PAYING")
    (threads,) = stack.workers(1, pools="steps,sweeps")
    (processes,) = stack.workers(1, pools="isolated")
    refuse(stack, 3, "steps.paying.v1", threads, processes)
    refuse(stack, 2, "isolated.paying.v1", threads, processes)
    for name in ("no run", "none either"):
        stack.bells.send("paying.PAYING", [name, 1], queue="isolated.paying.v1")
    for n in range(4):
        if n == 3:  # the newest, for certain: starts are taken up by many threads at once
            stack.wait(lambda: len(threads.lines("start_refused")) == 3, "the starts before it to be refused")
        stack.bells.send("longhaul.start", ["clam", f"CLM-{n}", {"owner": "Orsolya"}, f"order-{n}"], queue="intake")
    stack.wait(lambda: len(threads.lines("start_refused")) == 4, "the starts to be refused")
    assert counted(stack, "start") == 4, "a refused start is written before its task goes on"
    stack.wait(lambda: counted(stack) == 7, "the bells to be counted")

    found = {(r["what"], r["queue"], r["name"]): r for r in stack.all("SELECT * FROM refused_messages")}
    assert {kind: row["count"] for kind, row in found.items()} == {
        ("bell", "steps.paying.v1", ""): 3,
        ("bell", "isolated.paying.v1", ""): 2,
        ("bell", "isolated.paying.v1", "paying.PAYING"): 2,
        ("start", "intake", "clam"): 4,
    }
    start = found["start", "intake", "clam"]
    assert "there is no workflow 'clam'" in start["reason"]
    assert start["samples"][0]["subject"] == "CLM-3" and start["samples"][0]["key"] == "order-3"
    assert "Orsolya" not in str(start["samples"]), "a payload is masked, as logs mask it"
    assert "it names no task" in found["bell", "steps.paying.v1", ""]["reason"]

    beat = stack.beat(alerts_seconds=1)
    opened = "SELECT subject FROM alerts WHERE rule = 'messages_refused' AND resolved_at IS NULL ORDER BY subject"
    stack.wait(lambda: len(stack.all(opened)) == 3, "an alert for each kind of queue")
    assert [row["subject"] for row in stack.all(opened)] == ["intake", "isolated", "steps"]
    assert beat.alive


def test_refusing_waits_for_no_database(make_stack: MakeStack, broker_url: str) -> None:
    """While nobody can write what was refused, a worker refuses, takes bells and finishes runs as ever; then it is written."""
    stack = make_stack("small_workflows:PAYING")
    (worker,) = stack.workers(1)
    with rows_locked(stack):
        refuse(stack, 300, "steps.paying.v1", worker)
        name = str(uuid.uuid4())
        stack.bells.send("longhaul.start", ["paying", name, {}, name], queue="intake")
        ended = "SELECT 1 FROM runs WHERE subject = %s AND status = 'COMPLETE'"
        stack.wait(lambda: stack.all(ended, name), "a run that came behind the junk")
        stack.wait(lambda: worker.lines("refusals_not_written"), "the worker to say that they are not written")
    stack.wait(lambda: counted(stack) == 300, "all of them to be counted, once")


def test_at_a_planned_end_all_that_was_refused_is_written(make_stack: MakeStack, broker_url: str) -> None:
    stack = make_stack("small_workflows:PAYING")
    (worker,) = stack.workers(1)
    with rows_locked(stack):
        refuse(stack, 5, "steps.paying.v1", worker)
        stack.wait(lambda: worker.lines("refusals_not_written"), "the worker to try and fail")
        worker.terminate()
        stack.wait(lambda: stack.row_of(worker)["stopping"], "the shutdown to begin")
    stack.wait(lambda: not worker.alive, "the worker to end")
    assert counted(stack) == 5
