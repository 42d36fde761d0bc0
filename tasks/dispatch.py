"""Doorbells over Celery: after the commit, best effort, never blocking for long, never raised to whoever rang.

A failure only means that the dispatch sweep rings later. So a broker that does not answer costs a caller one publishing
time-out at most; while it is silent only one thread of the process tries it, and the others are told at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from kombu import Queue
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool

from app.core.ids import task_id, task_name
from app.core.ports import Bell
from app.settings import settings
from app.telemetry import logs
from tasks.celery import app

_REST_SECONDS = 1.0


class BrokerAway(Exception):
    """The broker did not take a message in time, or did not a moment ago."""


class CeleryDispatcher:
    """Rings through the broker with short time-outs of its own."""

    def ring(self, bells: Iterable[Bell]) -> int:
        """How many of these bells, from the first on, the broker took.

        Redis is sent all of them in one round trip; if that fails none is counted. RabbitMQ confirms them one by one.
        """
        _belongings(os.getpid())  # what a process loads at its first bell is not the broker's delay
        rung, at_once, until = 0, False, time.monotonic() + settings().publish_timeout_seconds
        try:
            with publishing() as producer, producer.batch():
                at_once = producer.supports_batch_publish
                for bell in bells:
                    if time.monotonic() > until:
                        logs.event("bell_not_rung", reason="the broker is slow; the sweep rings later", rung=rung)
                        break
                    _ring(bell, producer)
                    rung += 1
        except BrokerAway as away:
            rung = 0 if at_once else rung
            logs.event("bell_not_rung", reason=str(away), rung=rung)
        return rung

    def lying(self, queue: str) -> int:
        """How many messages lie in a queue; 0 if the broker does not say."""
        _belongings(os.getpid())
        try:
            with publishing() as producer:
                # As a worker declares it, so that of a queue that is there nothing changes.
                declared = producer.channel.queue_declare(queue=queue, durable=True, auto_delete=False)
                return int(declared.message_count)
        except BrokerAway:
            return 0


def _ring(bell: Bell, producer: Any) -> None:
    app.send_task(
        task_name(bell.workflow, bell.state),
        args=(str(bell.run_id), bell.step_seq),
        task_id=task_id(bell.run_id, bell.state, bell.step_seq),
        queue=_queue(bell.queue),
        expires=bell.expires_seconds,
        producer=producer,
        ignore_result=True,
        add_to_parent=False,  # rung inside somebody's task it is no child of that task
    )


@lru_cache(maxsize=1024)
def _queue(name: str) -> Queue:
    """Any queue, known here or not: the next state may be in another pool, or in a version only others have."""
    return Queue(name, routing_key=name, durable=True)


class _Suspicion:
    """What this process thinks of its broker. Once it has failed, one thread at a time tries it, after a short rest."""

    def __init__(self) -> None:
        self._trying = threading.Lock()
        self._failed_at: float | None = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Try the broker; success clears it. Raises BrokerAway at once while another thread tries a suspected one."""
        if self._failed_at is None:
            yield
            return
        if time.monotonic() - self._failed_at < _REST_SECONDS or not self._trying.acquire(blocking=False):
            raise BrokerAway("it did not answer a moment ago")
        try:
            yield
            self._failed_at = None
        finally:
            self._trying.release()

    def failed(self) -> None:
        self._failed_at = time.monotonic()

    @property
    def stands(self) -> bool:
        return self._failed_at is not None


@contextmanager
def publishing() -> Iterator[Any]:
    """A producer whose sockets wait `publish_timeout_seconds` at most. Raises BrokerAway for whatever went wrong."""
    connection, producers, suspicion = _belongings(os.getpid())
    errors = (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
    wait = settings().publish_timeout_seconds
    before = suspicion.stands
    try:
        with suspicion.attempt(), producers.acquire(block=True, timeout=wait) as producer:
            if suspicion.stands and not before:
                raise BrokerAway("it failed somebody else while this thread waited for its turn")
            try:
                yield producer
            except errors:
                # Dropped before the pool closes it: AMQP takes leave of a hung server twice, a time-out each.
                producer.connection.collect(socket_timeout=wait)
                raise
    except errors as problem:
        suspicion.failed()
        raise BrokerAway(f"{type(problem).__name__}: {problem}") from problem


_SOCKETS = 10  # that a process publishes by


@lru_cache(maxsize=1)
def _belongings(pid: int) -> tuple[Connection, ProducerPool, _Suspicion]:
    """What this process publishes by: never sockets of the process it was forked from, nor of kombu's pools, which are
    for everybody in the process and whose limit anybody's app sets."""
    wait = settings().publish_timeout_seconds
    options = dict(app.conf.broker_transport_options)
    for name in ("socket_timeout", "socket_connect_timeout", "connect_timeout", "read_timeout", "write_timeout"):
        if name in options:
            options[name] = wait
    connection = Connection(app.conf["broker_url"], transport_options=options, connect_timeout=wait)
    connection.get_transport_cls()  # imports it
    return connection, ProducerPool(connection.Pool(_SOCKETS), limit=_SOCKETS), _Suspicion()
