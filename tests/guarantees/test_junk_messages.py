"""Nobody can end a worker by a message: whatever lies in its queues, the same process refuses it and works on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

import pytest
from celery import Celery
from kombu import Connection

from tests.conftest import BOTH_BROKERS
from tests.support import junk
from tests.support.programs import Program
from tests.support.stack import MakeStack, Stack

pytestmark = pytest.mark.guarantee

TASKS = {
    "steps.paying.v1": "paying.PAYING",
    "sweeps": "longhaul.sweep.heartbeats",
    "intake": "longhaul.start",
    "isolated.paying.v1": "paying.PAYING",
}
OPTIONS = {"global_keyprefix": "longhaul:"}


def _stack(make_stack: MakeStack) -> tuple[Stack, Program, Program, dict[str, str]]:
    """A stack, its worker with threads, one with processes, and each queue they listen to with a task of it."""
    stack = make_stack("small_workflows:PAYING")
    (threads,) = stack.workers(1, pools="steps,sweeps")
    (processes,) = stack.workers(1, pools="isolated")
    return stack, threads, processes, {**TASKS, **{_canary(stack, p): "longhaul.canary" for p in (threads, processes)}}


def _canary(stack: Stack, worker: Program) -> str:
    begins = "Started consuming from "

    def named() -> str | None:
        told = [line["message"] for line in worker.lines() if str(line.get("message")).startswith(begins)]
        return told[0].removeprefix(begins) if told else None

    return stack.wait(named, "the worker's canary queue")


def _until_refused(stack: Stack, workers: tuple[Program, ...], count: int) -> None:
    """Each of the messages was refused, no more than once, by processes that listen as before."""

    def refused() -> int:
        return sum(len(worker.lines("bell_refused")) for worker in workers)

    try:
        stack.wait(lambda: refused() >= count or not all(w.alive for w in workers), f"{count} refusals")
    finally:
        assert all(worker.alive for worker in workers), f"a message ended a worker\n{stack.evidence()}"
    assert refused() == count
    for worker in workers:
        broken = [line["message"] for line in worker.lines() if "onnection to broker lost" in str(line.get("message"))]
        assert not broken, f"a message broke a connection off: {broken}"


def _until_heard(stack: Stack, *workers: Program) -> None:
    """Each still answers what comes over the broker: a run that only a message starts, and a bell to the isolated."""
    name = str(uuid.uuid4())
    stack.bells.send("longhaul.start", ["paying", name, {}, name], queue="intake")
    ended = "SELECT 1 FROM runs WHERE subject = %s AND status = 'COMPLETE'"
    stack.wait(lambda: stack.all(ended, name), "a run started by a message to end")
    for worker in workers[1:]:
        stack.bells.send("paying.PAYING", [f"no {name}", 1], queue="isolated.paying.v1")
        stack.wait(partial(_answered, worker, f"no {name}"), "the isolated to answer a bell")
    assert all(program.alive for program in stack.programs), "a message ended a worker"


def _answered(worker: Program, name: str) -> bool:
    """Whether the worker read the bell; a name is no run's id, and the step says so."""
    return any(name in str(line.get("reason")) for line in worker.lines("bell_refused"))


@BOTH_BROKERS
def test_no_message_ends_a_worker(make_stack: MakeStack, broker_url: str) -> None:
    stack, *workers, tasks = _stack(make_stack)
    refusals = 0
    for queue, task in tasks.items():
        for body, properties in junk.refused(task):
            stack.bells.publish(body, queue=queue, **properties)
            refusals += 1
    _until_refused(stack, tuple(workers), refusals)
    for queue, task in TASKS.items():
        for body, properties in junk.odd(task):
            stack.bells.publish(body, queue=queue, **properties)
    _until_heard(stack, *workers)


def test_no_bytes_in_a_redis_end_a_worker(make_stack: MakeStack, broker_url: str) -> None:
    stack, *workers, tasks = _stack(make_stack)
    for queue, task in tasks.items():
        junk.push(broker_url, queue, junk.redis_items(task))
    with Connection(broker_url, transport_options=OPTIONS) as connection, connection.channel() as channel:
        reached = [channel.client.publish("/0.celery.pidbox", item) for item in junk.redis_items("ping")]
    _until_heard(stack, *workers)
    assert reached[0] == len(workers)  # later ones may meet a mailbox that is being made anew

    # A key of another type: Redis answers with an error for as long as it lies there.
    with Connection(broker_url, transport_options=OPTIONS) as connection, connection.channel() as channel:
        channel.client.delete("sweeps")
        channel.client.set("sweeps", "no list")
        stack.wait(lambda: any("ResponseError" in str(line) for line in workers[0].lines()), "the worker to meet it")
        channel.client.delete("sweeps")
    _until_heard(stack, *workers)


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_no_bytes_in_a_rabbitmq_end_a_worker(make_stack: MakeStack, broker_url: str) -> None:
    stack, *workers, tasks = _stack(make_stack)
    messages = junk.rabbit_messages()
    with Connection(broker_url) as connection, connection.channel() as channel:
        channel.exchange_declare("forged", "fanout", auto_delete=False)
        for queue in tasks:
            channel.queue_bind(queue, "forged")
            for message in messages:
                channel.basic_publish(message, routing_key=queue)
            channel.basic_publish(messages[-1], exchange="forged", routing_key=b"\xff")
            channel.queue_unbind(queue, "forged")
        channel.exchange_delete("forged")
        for message in messages:
            channel.basic_publish(message, exchange="celery.pidbox", routing_key=b"\xff")
    pidbox = len(messages) * len(workers)
    _until_refused(stack, tuple(workers), (len(messages) + 1) * len(tasks) + pidbox)
    _until_heard(stack, *workers)


@BOTH_BROKERS
def test_nobody_steers_a_worker_by_message(make_stack: MakeStack, broker_url: str) -> None:
    stack = make_stack("small_workflows:PAYING")
    (worker,) = stack.workers(1)
    _canary(stack, worker)
    forger = Celery("forger", broker=broker_url)
    forger.conf.broker_transport_options = OPTIONS if broker_url.startswith("redis") else {}
    commands: list[tuple[str, dict[str, object]]] = [
        ("shutdown", {}),
        ("pool_shrink", {"n": 16}),
        ("cancel_consumer", {"queue": "sweeps"}),
        ("terminate", {}),
        ("cancel_consumer", {"queue": "intake"}),
        ("revoke", {"task_id": "a"}),
        ("rate_limit", {}),
        ("no_such", {}),
    ]
    for command, arguments in commands:
        forger.control.broadcast(command, arguments=arguments)
    years = "(a|a)*" * 8 + "b"
    forger.control.broadcast("ping", pattern=years, matcher="pcre")
    pong: Callable[[], object] = lambda: forger.control.ping(timeout=1)  # noqa: E731
    assert stack.wait(pong, "the worker to say that it lives") == [{f"{worker.name}@localhost": {"ok": "pong"}}]
    _until_heard(stack, worker)
    forger.close()
