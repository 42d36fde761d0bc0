"""Under load a worker takes as many messages as it has free slots, and not one more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Consumer, Producer, Queue

from tasks.celery import app
from tasks.edge.several import AT_ONCE_SECONDS, Reader

QUEUE = Queue("steps.several.v1", routing_key="steps.several.v1", durable=True)


class Reading:
    """A consumer whose next answer from Redis is on its way, with `count` messages in the queue before."""

    def __init__(self, connection: Connection, count: int) -> None:
        self.channel: Any = connection.channel()
        self.heard: list[Any] = []
        self._sent = 0
        self.publish(count)
        Consumer(self.channel, [QUEUE], on_message=self._hear).consume()

    def publish(self, count: int) -> None:
        producer = Producer(self.channel)
        for n in range(self._sent, self._sent + count):
            producer.publish({"n": n}, routing_key=QUEUE.name, declare=[QUEUE])
        self._sent += count

    def _hear(self, message: Any) -> None:
        if not getattr(message, "malformed", None):
            self.heard.append(message.decode()["n"])

    def read(self, spare: int, *, waited: float) -> list[Any]:
        """Read once, after an answer that took so long; what was heard."""
        self.channel.connection.cycle._register_BRPOP(self.channel)
        reader = Reader(self.channel, lambda: spare, now=lambda: self.channel._brpop_sent_at + waited)
        reader()
        heard, self.heard[:] = list(self.heard), []
        return heard


@pytest.fixture
def connection(broker_url: str) -> Iterator[Connection]:
    with app.connection_for_read(url=broker_url) as connection:
        yield connection


def test_what_stands_behind_a_waiting_message_is_taken_with_it_as_far_as_slots_are_free(connection: Connection) -> None:
    reading = Reading(connection, 6)
    assert reading.read(spare=3, waited=0) == [0, 1, 2, 3]
    assert reading.read(spare=0, waited=0) == [4], "no slot is free beyond the one that the first message takes"
    assert reading.read(spare=9, waited=0) == [5], "the queue holds no more than it holds"


def test_after_an_answer_that_was_waited_for_nothing_more_is_asked_for(connection: Connection) -> None:
    assert Reading(connection, 3).read(spare=9, waited=2 * AT_ONCE_SECONDS) == [0]


def test_junk_among_the_messages_costs_none_of_the_others(connection: Connection, broker_url: str) -> None:
    reading = Reading(connection, 2)
    with redis.Redis(unix_socket_path=broker_url.partition("://")[2].partition("?")[0]) as client:
        client.lpush(f"longhaul:{QUEUE.name}", b"\xff{", b"[]", b"7")
    reading.publish(2)
    assert reading.read(spare=9, waited=0) == [0, 1, 2, 3]
