"""A worker that may take no lease leaves the bells to the others, and listens again when it may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from kombu import Connection, Consumer, Producer, Queue

from app.settings import Settings
from tasks.canary import Canary
from tasks.celery import app
from tasks.edge import listening
from tasks.edge.listening import Listening
from tasks.edge.several import Patience
from tests.support.waiting import wait_for

QUEUE = Queue("steps.listening.v1", routing_key="steps.listening.v1", durable=True)


class May:
    """Whether the process may lease."""

    now = True

    def __call__(self) -> bool:
        return self.now


@pytest.fixture
def may(monkeypatch: pytest.MonkeyPatch) -> May:
    monkeypatch.setattr(listening, "_may", None)
    asked = May()
    listening.asks(asked)
    return asked


def test_the_channel_of_redis_takes_no_message_while_the_worker_may_not_lease(may: May) -> None:
    patience = Patience(SimpleNamespace(), listening.and_free(lambda: True))
    assert patience.may_consume()
    may.now = False
    assert not patience.may_consume()
    may.now = True
    assert patience.may_consume()


@pytest.fixture
def rabbit(broker_url: str) -> Iterator[Connection]:
    with app.connection_for_read(url=broker_url) as connection:
        yield connection


@pytest.mark.rabbitmq
@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_worker_of_rabbitmq_takes_its_subscriptions_back_while_it_may_not_lease(rabbit: Connection, may: May) -> None:
    heard: list[int] = []

    def hear(message: Any) -> None:
        heard.append(message.decode()["n"])
        message.ack()

    channel = rabbit.channel()
    consumer = Consumer(channel, [QUEUE], on_message=hear)
    worker: Any = SimpleNamespace(task_consumer=consumer)
    step: Any = Listening(worker)
    consumer.consume()

    def ring(n: int) -> None:
        Producer(channel).publish({"n": n}, routing_key=QUEUE.name)

    def hears(*numbers: int) -> bool:
        with suppress(TimeoutError):
            rabbit.drain_events(timeout=0.5)
        return heard == list(numbers)

    ring(1)
    wait_for(lambda: hears(1), "the first bell")
    may.now = False
    step.look(worker)
    step.look(worker)
    ring(2)

    def lie_there() -> int:
        count: int = channel.queue_declare(QUEUE.name, passive=True).message_count
        return count

    wait_for(lambda: lie_there() == 1, "the second bell to lie there")
    assert hears(1), "a bell was taken that could not be answered"
    may.now = True
    step.look(worker)
    wait_for(lambda: hears(1, 2), "the second bell")


def test_a_worker_that_does_not_listen_is_not_deaf(may: May, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = SimpleNamespace(pool=SimpleNamespace(num_processes=4))
    canary = Canary(consumer, Settings(), leave=lambda: None)
    canary.silence.rung(0.0)
    may.now = False
    canary.ring()
    assert canary.silence._since is None, "its silence would count"
