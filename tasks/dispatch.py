"""Doorbells over Celery: after the commit, best effort, never blocking for long, never raised to whoever rang.

A failure only means that the dispatch sweep rings later.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers

from app.core.ids import task_id, task_name
from app.core.ports import Bell
from app.settings import settings
from app.telemetry import logs
from tasks.celery import app

_EXPIRES_SECONDS = 300  # an unanswered bell is rung anew by the sweep long before


class CeleryDispatcher:
    """Rings through the broker with short time-outs of its own."""

    def ring(self, bells: Iterable[Bell]) -> int:
        """How many bells the broker took."""
        rung = 0
        try:
            with producers[_connection()].acquire(block=True, timeout=settings().publish_timeout_seconds) as producer:
                for bell in bells:
                    app.send_task(
                        task_name(bell.workflow, bell.state),
                        args=(str(bell.run_id), bell.step_seq),
                        task_id=task_id(bell.run_id, bell.state, bell.step_seq),
                        queue=bell.queue,
                        expires=_EXPIRES_SECONDS,
                        producer=producer,
                        ignore_result=True,
                    )
                    rung += 1
        except (*_connection().connection_errors, *_connection().channel_errors, KombuError, OSError) as problem:
            logs.event("bell_not_rung", reason=f"{type(problem).__name__}: {problem}", rung=rung)
        return rung


@lru_cache(maxsize=1)
def _connection() -> Connection:
    """A publishing connection with short time-outs: a hung broker must not hold up who only rings."""
    wait = settings().publish_timeout_seconds
    options = dict(app.conf.broker_transport_options)
    if "socket_timeout" in options:
        options |= {"socket_timeout": wait, "socket_connect_timeout": wait}
    return Connection(app.conf.broker_url, transport_options=options, connect_timeout=wait)
