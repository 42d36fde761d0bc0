"""Task events, as Flower reads them, in groups.

The law: nothing but a view depends on an event, so it may be late by `GROUP_SECONDS`, and must cost next to nothing.
Celery publishes what it buffered at every turn of its loop, which on a busy worker is an event or two at a time, each
with a round trip to the broker: more work than the step they tell of. Here the first event of a group starts a timer.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

GROUP_SECONDS = 0.25
GROUP_EVENTS = 500  # a full group does not wait for its timer


class GroupedEvents(bootsteps.StartStopStep):
    """Makes a consumer's event dispatcher publish a group at a time; anew after every reconnect."""

    requires = (Events,)

    def start(self, c: Any) -> None:
        """Celery's own hook for what is to happen after an event was buffered; a loop without a hub has no buffer."""
        if c.hub is not None and c.event_dispatcher is not None:
            c.event_dispatcher.buffer_limit = GROUP_EVENTS
            c.event_dispatcher.on_send_buffered = Group(c.hub, c._flush_events).grows

    def stop(self, c: Any) -> None:
        """What is buffered is sent by the dispatcher that follows, or lost with the process."""


class Group:
    """The events of one dispatcher that wait for their timer."""

    def __init__(self, hub: Any, flush: Any) -> None:
        self._hub, self._flush = hub, flush
        self._timed = False

    def grows(self) -> None:
        """An event was buffered, by any thread. Only the hub's own thread may touch its timers."""
        if not self._timed:
            self._timed = True
            self._hub.call_soon(self._hub.call_later, GROUP_SECONDS, self._send)

    def _send(self) -> None:
        self._timed = False  # before the flush: what comes meanwhile starts a timer of its own
        self._flush()
