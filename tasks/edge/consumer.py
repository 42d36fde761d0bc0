"""The worker's consumer: every message passes `check` before Celery looks at it, and nobody steers a worker by message.

The law: remote control may look, so that Flower and `celery inspect` work, and may change nothing. Who wants a worker
stopped sends it a signal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from celery.utils.log import get_logger
from celery.worker.consumer import Consumer as CelerysConsumer
from celery.worker.control import Panel
from kombu import matcher
from vine import promise

from tasks.edge.messages import Refused, check, log_refused

_logger = get_logger(__name__)


class Consumer(CelerysConsumer):
    """Celery's consumer with a doorkeeper (`worker_consumer` in `celeryconfig`)."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        # Workers know each other from the database: they need not listen to each other's events, nor greet at start.
        options = {**(worker_options or {}), "without_gossip": True, "without_mingle": True}
        _restrict_remote_control()
        super().__init__(*args, worker_options=options, **kwargs)

    def create_task_handler(self, promise: Any = promise) -> Callable[[Any], None]:
        """How a message is received: Celery's way, if it may be received at all."""
        handle, tasks = super().create_task_handler(promise), self.strategies

        def received(message: Any) -> None:
            try:
                check(message, tasks)
            except Refused as problem:
                self._refuse(message, problem)
            else:
                handle(message)

        return received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A message whose body cannot be unpacked."""
        self._refuse(message, f"it cannot be read: {type(exc).__name__}: {exc}")

    def _refuse(self, message: Any, reason: object) -> None:
        log_refused(reason, message.delivery_info.get("routing_key"), message.headers)
        message.ack_log_error(_logger, self.connection_errors)


# What looks, and two that Flower sends all the time and that only make the worker tell of itself.
_MAY_BE_ASKED = {
    "ping",
    "stats",
    "report",
    "conf",
    "clock",
    "active_queues",
    "registered",
    "scheduled",
    "reserved",
    "active",
    "revoked",
    "query_task",
    "enable_events",
    "heartbeat",
}


@lru_cache(maxsize=1)
def _restrict_remote_control() -> None:
    """What may be asked is a table of the whole process: cut down when a worker of ours begins, not when this is imported."""
    asked = {alias for name in _MAY_BE_ASKED if (alias := Panel.meta[name].alias)} | _MAY_BE_ASKED
    for name in set(Panel.data) - asked:
        del Panel.data[name]
    # A message may choose its addressees by regular expression, and one can be written that takes years.
    matcher.unregister("pcre")
