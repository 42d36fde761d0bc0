"""The canary: a worker that does not hear its own bell, though the broker takes it, is deaf, and says so by acting.

The law: nothing is concluded while the broker takes no bells, or while the worker does not listen, because every slot
is busy or because it may take no lease. Deaf for three bells: the consumer connects anew. Deaf again: the process
leaves, for its supervisor to start another. The bell goes through a queue of the process's own, which expires in the
broker when nobody listens to it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from celery.worker import state as worker_state
from kombu import Exchange, Queue

from app.core.ids import new_id
from app.settings import Settings, settings
from app.telemetry import logs
from tasks.celery import app
from tasks.dispatch import BrokerAway, publishing
from tasks.edge.listening import may_listen

BELLS = 3  # unheard ones until a worker counts as deaf


class Verdict(Enum):
    """What a silence means."""

    FINE = "fine"
    RECONNECT = "reconnect"
    LEAVE = "leave"


class Silence:
    """Since when the bells of this process go unheard. Times are monotonic seconds."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since: float | None = None
        self._reconnected = False
        self._lock = threading.Lock()

    def rung(self, now: float) -> None:
        """The broker took a bell."""
        with self._lock:
            self._since = now if self._since is None else self._since

    def excused(self) -> None:
        """The broker is away, or the worker is too busy to listen: nothing can be concluded from silence."""
        with self._lock:
            self._since = None

    def heard(self) -> None:
        """A bell arrived: all is well."""
        with self._lock:
            self._since, self._reconnected = None, False

    def verdict(self, now: float) -> Verdict:
        """What is to be done; asked after every bell. The first long silence reconnects, the second one leaves."""
        with self._lock:
            if self._since is None or now - self._since < self._limit:
                return Verdict.FINE
            self._since = None
            again, self._reconnected = self._reconnected, True
            return Verdict.LEAVE if again else Verdict.RECONNECT


class Canary:
    """The canary of one worker's main process: a thread that rings, and a consumer that should hear it."""

    def __init__(self, consumer: Any, config: Settings, *, leave: Callable[[], None]) -> None:
        self._consumer, self._leave = consumer, leave
        self.every = config.ping_seconds
        self.silence = Silence(BELLS * self.every)
        name = f"canary.{new_id()}"
        # An exchange of its own, so that what binds the queue goes with it.
        self.queue = Queue(
            name,
            Exchange(name, type="direct", durable=False, auto_delete=True),
            routing_key=name,
            durable=True,
            expires=2 * BELLS * self.every,
        )

    def start(self) -> None:
        """Listen from now on, and ring; called in the consumer's own thread."""
        app.amqp.queues.add(self.queue)
        self._consumer.add_task_queue(self.queue.name)
        threading.Thread(target=self._run, name="canary", daemon=True).start()

    def ring(self) -> None:
        """Ring once, and act on the silence there was."""
        if self._busy() or not may_listen():
            self.silence.excused()
            return
        try:
            with publishing() as producer:
                app.send_task(HEAR, queue=self.queue, producer=producer, ignore_result=True, expires=BELLS * self.every)
        except BrokerAway:
            self.silence.excused()
            return
        now = time.monotonic()
        self.silence.rung(now)
        match self.silence.verdict(now):
            case Verdict.RECONNECT:
                logs.event(
                    "deaf",
                    reason=f"no bell of its own was heard for {BELLS * self.every:.0f} s; the consumer reconnects",
                )
                self._consumer.call_soon(_break_off)
            case Verdict.LEAVE:
                logs.event("deaf", reason="reconnecting did not help; the process exits, to be started anew")
                self._leave()

    def _run(self) -> None:
        pause = threading.Event()
        while worker_state.should_stop is None and worker_state.should_terminate is None:
            pause.wait(random.uniform(0.9, 1.1) * self.every)
            self.ring()

    def _busy(self) -> bool:
        return bool(len(worker_state.reserved_requests) >= self._consumer.pool.num_processes)


HEAR = "longhaul.canary"
_canary: Canary | None = None


def begin(consumer: Any, *, leave: Callable[[], None]) -> None:
    """Start the canary of this worker; called when its consumer is ready. `leave` ends the process."""
    global _canary
    _canary = Canary(consumer, settings(), leave=leave)
    _canary.start()


def hearing(*_: Any, **__: Any) -> Callable[..., None]:
    """How the consumer receives a canary's bell: at once, in its own thread. It takes no slot and no log line."""

    def hear(message: Any, *_: Any, **__: Any) -> None:
        message.ack()
        if _canary is not None:
            _canary.silence.heard()

    return hear


def _break_off() -> None:
    """Raised inside the consumer's loop it means what it says: the connection is given up and made anew."""
    raise ConnectionResetError("the canary was not heard")


@app.task(name=HEAR, ignore_result=True, shared=False, Strategy="tasks.canary:hearing")
def canary() -> None:
    """Never run: the consumer hears it before it would take a slot."""
