"""Local delivery: a run's next step is worked on in the slot that its last one held, without a way over the broker.

The law: it is a task like any other. Its message has the headers and the body that our dispatcher would send; Celery's own
strategy receives it, with its request, its signals and its events; and it begins when the last one has ended, for Celery too.
Only the slot stays: the next request is reserved before the last is ready, so that a slot in a chain is never seen free.
The lease was taken with the last step's move (`app.engine.step.chain`); one that is not begun here is handed back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from celery import bootsteps
from celery.concurrency.base import apply_target
from celery.exceptions import TaskRevokedError
from celery.utils.functional import noop
from celery.utils.nodenames import anon_nodename
from celery.worker import request, state, strategy
from celery.worker.consumer.tasks import Tasks
from kombu.message import Message

from app.core.ids import task_id, task_name
from app.core.run import Run
from app.engine.step import chain
from app.telemetry import logs
from tasks import wiring
from tasks.edge.messages import headers_of

_BODY = '[["%s", %d], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'


class LocalDelivery(bootsteps.StartStopStep):
    """Receives what this worker delivers to itself; anew after every reconnect, as the events go by the connection."""

    requires = (Tasks,)

    def start(self, c: Any) -> None:
        """From now on. A step that begins while the connection is away is received with the last one's."""
        global _receiver
        _receiver = Receiver(c)


class Receiver:
    """The consumer as Celery's strategies see it, except that the thread which receives a request works on it too."""

    def __init__(self, consumer: Any) -> None:
        self._consumer, self._mine = consumer, threading.local()
        self._strategies: dict[str, Callable[..., Any]] = {}
        self.pool = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def receive(self, run: Run) -> Any:
        """The request of a run's step, received and reserved; None if it was revoked."""
        name = task_name(run.workflow, run.state)
        receives = self._strategies.get(name)
        if receives is None:
            receives = self._strategies[name] = strategy.default(self.app.tasks[name], self.app, self)
        self._mine.request = None
        receives(message(run), None, noop, noop, ())
        return self._mine.request

    def on_task_request(self, received: Any) -> None:
        """What a strategy does with a request."""
        received.local, self._mine.request = True, received

    def apply_async(
        self, target: Any, args: Any, *, callback: Any = None, accept_callback: Any = None, **_: Any
    ) -> None:
        """What a request is given to the pool by: here its thread is the one that asks."""
        apply_target(target, args, {}, callback, accept_callback)


_receiver: Receiver | None = None


def message(run: Run) -> Message:
    """The message that our dispatcher would send for a run's step, as it would be delivered."""
    name, run_id = task_name(run.workflow, run.state), str(run.id)
    return Message(
        body=(_BODY % (run_id, run.step_seq)).encode(),
        content_type="application/json",
        content_encoding="utf-8",
        accept={"application/json"},
        headers=headers_of(
            name,
            task_id(run.id, run.state, run.step_seq),
            argsrepr=f"('{run_id}', {run.step_seq})",
            kwargsrepr="{}",
            origin=anon_nodename(),
        ),
        delivery_info={"exchange": "", "routing_key": run.queue},
    )


class Request(request.Request):
    """A step's request. In the main process of a threads pool, what it does when its task has ended is done in its slot."""

    local = False  # delivered here, not by the broker
    following: Any = None  # the request that this thread goes on with

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Of this class Celery makes one for each task, whose `on_success` calls no other."""
        super().__init_subclass__(**kwargs)
        cls.on_success = _and_go_on(cls.on_success)

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        """A thread of the pool begins with it."""
        super().on_accepted(pid, time_accepted)
        if not self.local:
            chain.begin(wiring.process_runtime())


def _and_go_on(ended: Callable[..., None]) -> Callable[..., None]:
    """What a task's request does at its end, with what its thread does then. `ended`: what Celery does, also of a failure."""

    def on_success(self: Request, outcome: Any, **kwargs: Any) -> None:
        if self.local:
            self.following = _received_after(self)
            ended(self, outcome, **kwargs)
            return
        last = self
        try:
            self.following = _received_after(self)
            ended(self, outcome, **kwargs)
            # One after the other, not one inside the other: a chain leaves no frames on the stack.
            while last.following is not None:
                following, last.following = last.following, None
                last = following
                last.execute_using_pool(None)
        except TaskRevokedError:
            pass  # Celery has said so; its lease is handed back
        finally:
            _forget(last, last.following)
            chain.end(wiring.process_runtime())

    return on_success


def _received_after(ended: Request) -> Any:
    """The request of the step that this thread keeps, if it is another than the one of which this is the end."""
    kept = wiring.process_runtime().onward.next
    if kept is None or _receiver is None or task_id(kept.run.id, kept.run.state, kept.run.step_seq) == ended.id:
        return None
    try:
        return _receiver.receive(kept.run)
    except Exception as problem:  # Celery's, or a broker's: the step that ended is to end all the same
        reason = f"{type(problem).__name__}: {problem}"
        logs.event("step_not_received", run_id=str(kept.run.id), step=kept.run.state, reason=reason)
        return None


def _forget(*requests: Any) -> None:
    """Requests that did not end in order, or never began, hold no slot: nobody but their thread will tell Celery."""
    for left in requests:
        if left is not None and left in state.reserved_requests:
            state.task_ready(left)


def goes_on() -> bool:
    """Whether this thread of the pool keeps its slot."""
    return wiring.process_runtime().onward.next is not None
