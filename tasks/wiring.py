"""One runtime per process. The law: nothing is opened before a fork; each prefork child is a worker of its own.

Under threads the main process works; under prefork only its children do, and the parent holds no lease and no lock.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from functools import lru_cache
from typing import Any

from celery import signals

from app.bootstrap import runtime
from app.engine.liveness import Liveness
from app.engine.runtime import Runtime
from app.settings import settings
from app.telemetry import logs
from workflows import WORKFLOWS

_lock = threading.Lock()
_alive: Liveness | None = None
_owner = 0
# Set by a prefork parent that is told to stop: its children are given no signal of their own while they work.
_parent_stops = multiprocessing.get_context("fork").Event()


@lru_cache(maxsize=1)
def process_runtime() -> Runtime:
    """The runtime of this process."""
    return runtime(WORKFLOWS)


@signals.setup_logging.connect
def _logging(**_: Any) -> None:
    logs.configure(settings().log_level, settings().log_payloads)


def begin(queues: list[str], slots: int) -> None:
    """Start answering for this process: register, lock, ping."""
    global _alive, _owner
    with _lock:
        if _owner != os.getpid():
            _owner = os.getpid()
            _alive = Liveness(process_runtime(), queues=queues, slots=slots, parent_stops=_parent_stops.is_set)
            _alive.start()


@signals.worker_ready.connect
def _ready(sender: Any, **_: Any) -> None:
    if _is_threads(sender):
        begin([q.name for q in sender.app.conf.task_queues], sender.pool.limit if hasattr(sender, "pool") else 1)


def _is_threads(consumer: Any) -> bool:
    return "prefork" not in type(consumer.pool).__module__


@signals.worker_process_init.connect
def _child(**_: Any) -> None:
    from tasks.celery import app

    begin([q.name for q in app.conf.task_queues], 1)


@signals.worker_shutting_down.connect
def _stopping(**_: Any) -> None:
    _parent_stops.set()
    if _alive is not None and _owner == os.getpid():
        threading.Thread(target=_alive.shut_down, name="hand-back", daemon=True).start()


@signals.worker_shutdown.connect
@signals.worker_process_shutdown.connect
def _end(**_: Any) -> None:
    if _alive is not None and _owner == os.getpid():
        _alive.stop()
