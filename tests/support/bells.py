"""Messages as a test sends them: real doorbells, doubles, forgeries. Straight to the broker, by kombu."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Producer

from app.core.ids import queue_name, task_id, task_name
from app.core.ports import Bell
from app.core.workflow import POOLS, Workflow


def first_bell(workflow: Workflow, run_id: uuid.UUID) -> Bell:
    """The doorbell of a run that has just been started."""
    state = workflow.by_name[workflow.starts_at]
    queue = queue_name(state.pool, workflow.name, workflow.version)
    return Bell(run_id, 1, workflow.name, state.name, queue)


def _queues() -> list[str]:
    from tests.support import small_workflows, told

    named = [found for of in (small_workflows, told) for found in vars(of).values() if isinstance(found, Workflow)]
    ours = [queue_name(pool, flow.name, flow.version) for flow in named for pool in POOLS]
    # "shop": tests/support/shop.py; what its worker did not acknowledge before it was ended would come in the next test.
    return ["sweeps", "intake", "shop", *ours]


class Bells:
    """A sender of messages of any kind to one broker."""

    def __init__(self, broker_url: str) -> None:
        self.redis = not broker_url.startswith("amqp")
        options: dict[str, Any] = {"socket_timeout": 2, "global_keyprefix": "longhaul:"} if self.redis else {}
        self._connection = Connection(broker_url, transport_options=options, connect_timeout=2)

    def ring(self, bells: Iterable[Bell]) -> int:
        """Bells as the product's own dispatcher would ring them."""
        rung = 0
        for bell in bells:
            name = task_name(bell.workflow, bell.state)
            message_id = task_id(bell.run_id, bell.state, bell.step_seq)
            self.send(name, [str(bell.run_id), bell.step_seq], queue=bell.queue, message_id=message_id)
            rung += 1
        return rung

    def lying(self, queue: str) -> int:
        """Not looked for."""
        return 0

    def send(self, task: str, args: list[Any], *, queue: str, message_id: str = "", serializer: str = "json") -> None:
        """Any task message of Celery's protocol."""
        message_id = message_id or str(uuid.uuid4())
        headers: dict[str, Any] = {"lang": "py", "task": task, "id": message_id, "root_id": message_id, "retries": 0}
        headers |= dict.fromkeys(("parent_id", "group", "eta", "expires")) | {"timelimit": [None, None]}
        embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
        self.publish((args, {}, embed), queue=queue, headers=headers, correlation_id=message_id, serializer=serializer)

    def publish(self, body: Any, *, queue: str, **properties: Any) -> None:
        """Anything at all, into a queue."""
        with self._channel() as channel:
            if not self.redis and not queue.startswith("canary."):
                # RabbitMQ drops what is sent to a queue that no worker has declared yet.
                channel.queue_declare(queue=queue, durable=True, auto_delete=False)
            Producer(channel).publish(body, exchange="", routing_key=queue, **properties)

    def waiting(self, queue: str) -> int:
        """How many messages lie in a queue."""
        with self._channel() as channel:
            if self.redis:  # where kombu finds no queue that this connection has not declared itself
                return int(channel.client.llen(queue))
            try:
                size: int = channel.queue_declare(queue=queue, passive=True).message_count
            except self._connection.channel_errors:
                return 0  # nobody has declared it yet
            return size

    def flush(self) -> None:
        """Empty the broker: everything in it is gone; from a RabbitMQ the queues that tests use."""
        with self._channel() as channel:
            if self.redis:
                channel.client.flushall()
                return
            for queue in _queues():
                channel.queue_delete(queue)

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        """A channel; of a RabbitMQ on a connection of its own, as it may have been killed since the last one."""
        if self.redis:
            with self._connection.channel() as channel:
                yield channel
            return
        with self._connection.clone() as connection, connection.channel() as channel:
            yield channel

    def close(self) -> None:
        self._connection.release()
