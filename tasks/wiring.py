"""One runtime per process. The law: nothing is opened before a fork; each prefork child is a worker of its own.

Under threads the main process works; under prefork only its children do, and the parent holds no lease and no lock.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Collection
from functools import lru_cache
from typing import Any, NoReturn

from celery import signals
from celery.worker import state as worker_state

from app.application import workflows
from app.bootstrap import runtime
from app.core.errors import InvalidDefinition
from app.core.ids import new_id
from app.documents import probe
from app.engine import definitions
from app.engine.onward import Onward
from app.engine.process import descriptors, garbage
from app.engine.process.liveness import Liveness
from app.engine.process.watchdog import END, Watchdog
from app.engine.runtime import Runtime
from app.settings import settings
from app.store.database import Connection, DatabaseError, connect
from app.store.workers import due
from app.telemetry import logs
from tasks import canary, housekeeping, refusals
from tasks.edge import listening
from tasks.ringer import Ringer

_lock = threading.Lock()
_alive: Liveness | None = None
_ringer: Ringer | None = None
_owner = 0
# Set when the worker is told to stop: a prefork parent gives its children no signal of their own while they work.
_parent_stops = multiprocessing.get_context("fork").Event()


@lru_cache(maxsize=1)
def process_runtime() -> Runtime:
    """The runtime of this process."""
    return runtime(workflows(settings()))


def listen() -> None:
    """Listen to the signals of Celery; called by our loader when a worker or a beat of ours begins, and by nobody else.

    They are of the whole process: even the existence of a listener to `setup_logging` stops a worker's own logging.
    """
    for signal, receiver in (
        (signals.setup_logging, _logging),
        (signals.celeryd_after_setup, _starting),
        (signals.worker_process_init, _child),
        (signals.worker_ready, _ready),
        (signals.worker_shutting_down, _stopping),
        (signals.worker_shutdown, _end),
        (signals.worker_process_shutdown, _child_ends),
    ):
        signal.connect(receiver)


def _logging(**_: Any) -> None:
    logs.configure(settings().log_level, settings().log_payloads)


def begin(queues: list[str], slots: int, *, prefork: bool) -> None:
    """Start answering for this process: register, lock, ping; then look after things. Waits for the database."""
    global _alive, _owner, _ringer
    with _lock:
        if _owner == os.getpid():
            return
        _owner = os.getpid()
        rt = process_runtime()
        if short := descriptors.provide(slots):
            logs.event("descriptors_short", reason=f"{short}: {descriptors.REMEDY}")
        _ringer = rt.dispatcher = Ringer(rt.dispatcher, housekeeping.offer)
        while True:
            alive = Liveness(rt, queues=queues, slots=slots, parent_stops=_parent_stops.is_set)
            try:
                alive.start()
                break
            except DatabaseError as problem:
                logs.event("waiting_for_database", reason=str(problem).strip())
                rt.worker_id = new_id()  # the row may have been written before the connection broke
                threading.Event().wait(1.0)
                if worker_state.should_stop is not None or worker_state.should_terminate is not None:
                    return
        _alive = alive
        Watchdog(rt, lives=alive.works).start()
        if not prefork:
            listening.asks(rt.holdings.may_lease)
            if rt.settings.local_delivery:
                rt.onward = _onward(rt, queues, slots)
        housekeeping.begin(rt, queues, slots, prefork=prefork)
        probe.begin(rt.settings, rt.database, rt.worker_id)


def _onward(rt: Runtime, queues: list[str], slots: int) -> Onward:
    """Who goes on with what in this process. A prefork child works on one step at a time, and so never does."""

    def is_full() -> bool:
        at_work = len({holding.run_id for holding in rt.holdings.all()})
        return max(at_work, len(worker_state.reserved_requests)) >= slots

    def waiting(of: Collection[str], seconds: float) -> Collection[str]:
        def find(db: Connection) -> list[due.Ready]:
            return due.ready(db, list(of), older_seconds=seconds, limit=1)

        try:
            return {ready.queue for ready in rt.database.transact(find)}
        except DatabaseError:
            return ["unknown"]  # who cannot look takes it that somebody waits

    return Onward(
        rt.holdings,
        queues=frozenset(queues),
        serves=lambda *of: rt.state_of(*of) is not None,
        waiting=waiting,
        is_full=is_full,
    )


def _starting(instance: Any, **_: Any) -> None:
    """Before the broker is asked for anything: a worker started while it is away works all the same."""
    _check_roles()
    _check_definitions()
    garbage.begin()
    if "prefork" not in instance.pool_cls.__module__:
        begin(_queues(instance.app), instance.concurrency, prefork=False)


def _check_roles() -> None:
    """Refuse to start while a workflow of ours asks a role that there is not."""
    rt = process_runtime()
    if said := definitions.undeclared(rt.workflows, rt.roles, application=rt.settings.application):
        _refuse("; ".join(said))


def _check_definitions() -> None:
    """Refuse to start with a changed definition. On a connection of its own: a prefork parent must leave none behind."""
    rt = process_runtime()
    while True:
        try:
            with connect(rt.settings.database_url, "worker") as db:
                definitions.check(db, rt.workflows)
            return
        except InvalidDefinition as problem:
            _refuse(str(problem))
        except DatabaseError as problem:
            logs.event("waiting_for_database", reason=str(problem).strip())
            threading.Event().wait(1.0)


def _refuse(reason: str) -> NoReturn:
    logs.event("refused_to_start", reason=reason)
    raise SystemExit(78)  # EX_CONFIG


def _child(**_: Any) -> None:
    from tasks.celery import app

    process_runtime.cache_clear()  # the parent's has the parent's worker id, pools and draws
    begin(_queues(app), 1, prefork=True)


def _queues(app: Any) -> list[str]:
    """What this worker subscribes to, its canary aside; `-Q` may have narrowed it."""
    return [name for name in app.amqp.queues.consume_from if not name.startswith("canary.")]


def _ready(sender: Any, **_: Any) -> None:
    canary.begin(sender, leave=_leave_deaf)


def _stopping(**_: Any) -> None:
    _parent_stops.set()
    if _alive is not None and _owner == os.getpid():
        threading.Thread(target=_alive.shut_down, name="hand-back", daemon=True).start()
    # Celery takes leave of its broker, which takes three socket time-outs if that hangs.
    reason = "the broker does not take leave, and nothing is in work"
    limit = (settings().shutdown_grace_seconds, 0, reason)
    threading.Thread(target=_exit_when_idle, args=limit, name="leave", daemon=True).start()


def _leave_deaf() -> None:
    """A planned end without any help of the consumer's; children are given the time to see that their parent stops."""
    _parent_stops.set()
    if _alive is not None and _owner == os.getpid():
        _alive.shut_down()
    _exit_when_idle(2 * settings().probe_seconds + 1, END, "the worker is deaf, and nothing is in work")


def _exit_when_idle(after_seconds: float, code: int, reason: str) -> None:
    threading.Event().wait(after_seconds)
    while process_runtime().holdings.all() or housekeeping.children_at_work():
        threading.Event().wait(0.2)
    logs.event("left", reason=reason)
    _end()
    logs.end_process(code)


def _end(**_: Any) -> None:
    refusals.end()  # also in a prefork parent, which reads the messages
    if _alive is not None and _owner == os.getpid():
        housekeeping.end()
        if _ringer is not None:
            _ringer.end()
        _alive.stop()


def _child_ends(**_: Any) -> None:
    _end()
    logs.flush()  # billiard ends a child by `os._exit`
