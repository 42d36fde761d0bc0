"""Taking several messages from Redis at a time, as many as there are free slots.

The law: a message is taken only when a slot waits for it, so none lies in a busy worker's memory. Kombu takes one with
each turn of its loop, which asks Redis for every queue anew; under load those turns cost more than the steps. A message
that was there at once is a sign of more behind it: those are taken from the same queue in one round trip. And a loop that
sleeps because no slot is free is woken when one is: of the threads pool it would hear nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty
from typing import Any

from celery import bootsteps, signals
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

from tasks.edge.listening import and_free, turn
from tasks.local import goes_on

AT_ONCE_SECONDS = 0.003  # an answer this soon means that the message had been waiting
_SIGNAL = "longhaul.several"
A_MOMENT_SECONDS = 0.001  # a slot is given back right after the signal that its task is done


class SeveralAtOnce(bootsteps.StartStopStep):
    """Makes the task consumer of a worker without prefetch read this way; anew after every reconnect."""

    requires = (Tasks,)

    def start(self, c: Any) -> None:
        """Take the place of the channel's own reader. Other transports push their messages and have none."""
        self.stop(c)
        if c.app.conf.worker_disable_prefetch and c.connection.transport.driver_type == "redis":
            channel = c.task_consumer.channel
            patience = Patience(c.hub, and_free(channel.qos.can_consume))
            channel.qos.can_consume = patience.may_consume
            signals.task_postrun.connect(patience.freed, weak=False, dispatch_uid=_SIGNAL)
            channel.handlers["BRPOP"] = Reader(channel, lambda: c.pool.num_processes - len(state.reserved_requests))

    def stop(self, c: Any) -> None:
        """The channel goes with its connection."""
        signals.task_postrun.disconnect(dispatch_uid=_SIGNAL)


class Patience:
    """Says whether another message may be taken, and wakes the loop when a slot is free after none was."""

    def __init__(self, hub: Any, is_free: Callable[[], bool]) -> None:
        self._hub, self._is_free = hub, is_free
        self._starved = False

    def may_consume(self) -> bool:
        """Whether another message may be taken; asked by the loop's own thread."""
        self._starved = True  # before the look: a slot given back after it wakes us
        free = self._is_free()
        self._starved = not free
        return free

    def freed(self, **_: Any) -> None:
        """A task is done, in a thread of the pool. Only the loop's own thread may touch its timers."""
        if self._starved and not goes_on():
            self._starved = False
            self._hub.call_soon(self._hub.call_later, A_MOMENT_SECONDS, turn)


class Reader:
    """Reads what BRPOP brought, and what stands behind it. `spare`: how many slots are free. `now`: monotonic seconds."""

    def __init__(self, channel: Any, spare: Callable[[], int], *, now: Callable[[], float] = time.monotonic) -> None:
        self._channel, self._spare, self._now = channel, spare, now

    def __call__(self) -> Any:
        """Called when the answer is there. Raises kombu's Empty for none, and what the connection raises."""
        channel = self._channel
        waited = self._now() - channel._brpop_sent_at
        read = channel._brpop_read()
        if waited < AT_ONCE_SECONDS and (spare := self._spare()) > 0:
            self._more(channel._queue_cycle.items[-1], spare)  # the queue just read was rotated to the end
        return read

    def _more(self, queue: str, count: int) -> None:
        channel = self._channel
        for message in channel.client.rpop(queue, count) or ():
            with suppress(Empty):  # one that was refused takes none of those behind it along
                channel.taken(partial(self._hand_over, message, queue), channel.client)

    def _hand_over(self, message: bytes, queue: str) -> None:
        self._channel.connection._deliver(loads(bytes_to_str(message)), queue)
