"""The app's connections to the broker, whose transports read whatever lies there without falling over it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery.app import amqp
from kombu.connection import Connection as KombusConnection
from kombu.transport.pyamqp import Transport as RabbitTransport
from kombu.transport.redis import Transport as RedisTransport

from tasks.edge import rabbitmq, redis


class Connection(KombusConnection):
    """A connection whose transport, whichever its address names, is the careful kind."""

    def get_transport_cls(self) -> Any:
        """The transport's class, also after a switch to another address."""
        return careful(super().get_transport_cls())


class AMQP(amqp.AMQP):
    """What Celery takes its connections from (`Celery(amqp=…)`)."""

    Connection = Connection


@lru_cache(maxsize=16)
def careful(transport: Any) -> Any:
    """A subclass of a transport that survives what it reads; of other kinds than Redis and AMQP, the same."""
    if issubclass(transport, RedisTransport):
        channel = type("Channel", (redis.CarefulChannel, transport.Channel), {})
        return type("Transport", (redis.CarefulTransport, transport), {"Channel": channel})
    if issubclass(transport, RabbitTransport):
        return type("Transport", (transport,), {"Connection": rabbitmq.Connection})
    return transport
