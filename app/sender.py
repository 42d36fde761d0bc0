"""Start runs over the broker, from any program: a Celery app of your own, a script, a web page.

    from longhaul.sender import sender

    with sender("redis://broker/0") as longhaul:
        longhaul.start("insurance_claim", "CLM-1", {"claim_number": "CLM-1", "policy_number": "POL-1"}, key="order-77")

The law: whoever imports this keeps their Celery. It makes no app, reads no settings, uses none of kombu's pools and
registers nothing, so their tasks, queues, serializers, logging and configuration stay as they were. It knows the prefix
of our keys in Redis, the queue, and the form of the message.

A message is not yet a run: a worker makes it one, or refuses it, which the page /refused says. With a key, a message sent
twice is one run. `app.client.start` starts a run in your own database transaction instead; that one is certain.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any

from kombu import Connection, Producer, Queue
from kombu.exceptions import KombuError

from app.core.errors import BadInput, LonghaulError
from app.core.ids import INTAKE, KEY_PREFIX, START

_REDIS = ("redis://", "rediss://", "redis+socket://", "sentinel://")
_AMQP = ("amqp://", "amqps://", "pyamqp://")
_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class NotSent(LonghaulError):
    """The broker did not take the message, or did not say that it did. Send it again with the same key."""


class Sender:
    """Sends to one broker. Of any number of threads; each process opens a connection of its own, with its first message.

    timeout_seconds: how long a broker that does not answer may hold up one attempt.
    """

    def __init__(self, broker_url: str, *, timeout_seconds: float = 2.0) -> None:
        if not broker_url.startswith((*_REDIS, *_AMQP)):
            told = broker_url.partition("://")[0][:20]
            raise BadInput(f"broker_url must begin with {', '.join((*_REDIS, *_AMQP))}; it begins with {told!r}")
        self._url, self._wait = broker_url, timeout_seconds
        self._connection = self._made()  # opens nothing yet
        self._errors = (*self._connection.connection_errors, *self._connection.channel_errors, KombuError, OSError)
        self._lock = threading.Lock()
        self._producer: Producer | None = None
        self._process = 0
        # Whoever forks while a thread of theirs sends would leave the child a lock that nobody frees.
        os.register_at_fork(after_in_child=partial(_if_alive, weakref.WeakMethod(self._unlock)))

    def start(self, workflow: str, subject: str, data: Mapping[str, Any], key: str | None = None) -> str:
        """Ask for a run; the message's id, which is the key if none is given. `data` is JSON.

        Raises BadInput for data that is no JSON, NotSent if the broker did not take it.
        """
        message = str(uuid.uuid4())
        body = _body([workflow, subject, data, key or message])
        headers = {
            "lang": "py",
            "task": START,
            "id": message,
            "root_id": message,
            "parent_id": None,
            "group": None,
            "eta": None,
            "expires": None,
            "retries": 0,
            "timelimit": [None, None],
            "ignore_result": True,
        }
        with self._lock:
            self._forget_the_parents()
            if self._producer is None or not self._sent(body, headers):
                # Also where the other side hung up on an idle connection. Sent twice, one key is still one run.
                self._send(body, headers)
        return message

    def _sent(self, body: str, headers: Mapping[str, Any]) -> bool:
        try:
            self._send(body, headers)
        except NotSent:
            return False
        return True

    def _send(self, body: str, headers: Mapping[str, Any]) -> None:
        try:
            if self._producer is None:
                self._producer = Producer(self._connection.channel(), auto_declare=False)
            self._publish(self._producer, body, headers)
        except self._errors as problem:
            self._drop(politely=False)
            where = self._connection.as_uri()  # without its password
            raise NotSent(
                f"{where} did not take the message: {type(problem).__name__}: {problem}; send it again with the same key"
            ) from problem

    @staticmethod
    def _publish(producer: Producer, body: str, headers: Mapping[str, Any]) -> None:
        # No serializer: those of kombu belong to the whole process, and somebody may have changed them.
        producer.publish(
            body,
            exchange="",
            routing_key=INTAKE,
            declare=[Queue(INTAKE, routing_key=INTAKE, durable=True)],
            headers=dict(headers),
            correlation_id=headers["id"],
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            retry=False,
        )

    def _options(self) -> dict[str, Any]:
        wait = self._wait
        if self._is_amqp:
            return {"confirm_publish": True, "connect_timeout": wait, "read_timeout": wait, "write_timeout": wait}
        return {
            "global_keyprefix": KEY_PREFIX,
            "priority_steps": [0],
            "socket_timeout": wait,
            "socket_connect_timeout": wait,
            "socket_keepalive": True,
            "client_name": "longhaul-sender",
        }

    @property
    def _is_amqp(self) -> bool:
        return self._url.startswith(_AMQP)

    def _made(self) -> Connection:
        return Connection(self._url, transport_options=self._options(), connect_timeout=self._wait)

    def _forget_the_parents(self) -> None:
        """A connection that crossed a fork is forgotten, not closed: it is the parent's."""
        if self._process != os.getpid():
            self._process, self._producer, self._connection = os.getpid(), None, self._made()

    def _drop(self, *, politely: bool) -> None:
        old, self._producer, self._connection = self._connection, None, self._made()
        if self._is_amqp and not politely:
            old.collect()  # without taking leave of a server that may hang
            return
        with suppress(*self._errors):
            old.release()

    def _unlock(self) -> None:
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        with self._lock:
            self._forget_the_parents()
            if self._producer is not None:
                self._drop(politely=True)

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sender(broker_url: str, *, timeout_seconds: float = 2.0) -> Sender:
    """A sender to the broker that Longhaul's workers listen to (their LONGHAUL_BROKER_URL)."""
    return Sender(broker_url, timeout_seconds=timeout_seconds)


def _if_alive(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    if (call := method()) is not None:
        call()


def _body(arguments: list[Any]) -> str:
    try:
        return json.dumps([arguments, {}, _EMBED], allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise BadInput(
            f"data is no JSON: {problem}; pass what json.dumps takes, such as model_dump(mode='json')"
        ) from problem
