"""Whether this worker listens to the broker. The law: who may not take a lease leaves the bells to those who may.

A worker that took bells and could not answer them would silence the others' too. It looks every second, in the
consumer's own thread, and starts again when it may.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery import bootsteps
from celery.worker.consumer.tasks import Tasks

LOOK_SECONDS = 1.0

_may: Callable[[], bool] | None = None


def asks(may: Callable[[], bool]) -> None:
    """Who is asked from now on. A prefork parent asks nobody: its children keep a bell until they may answer it."""
    global _may
    _may = may


def may_listen() -> bool:
    """Whether a bell that came now could be answered here."""
    return _may is None or _may()


def and_free(free: Callable[[], bool]) -> Callable[[], bool]:
    """Whether another message may be taken, where `free` says whether a slot is."""
    return lambda: may_listen() and free()


class Listening(bootsteps.StartStopStep):
    """Takes a worker's subscriptions back while it may not listen; anew after every reconnect."""

    requires = (Tasks,)

    def __init__(self, c: Any, **_: Any) -> None:
        self._timer: Any = None
        self._listens = True

    def start(self, c: Any) -> None:
        """The channel of Redis asks by itself before it takes a message, and needs only to be woken."""
        self.stop(c)
        self._listens = True
        if c.hub is not None:
            looks = turn if c.connection.transport.driver_type == "redis" else partial(self.look, c)
            self._timer = c.hub.call_repeatedly(LOOK_SECONDS, looks)

    def stop(self, c: Any) -> None:
        """The subscriptions go with their connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self, c: Any) -> None:
        """Cancel the subscriptions, or renew them, if that has changed."""
        if may_listen() is not self._listens and c.task_consumer is not None:
            self._listens = not self._listens
            if self._listens:
                c.task_consumer.consume()
            else:
                c.task_consumer.cancel()


def turn() -> None:
    """Nothing to do: with each turn of its loop the consumer asks anew."""
