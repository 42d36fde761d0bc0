"""What Celery tells inside a real worker, written down; and what it may be told by others that goes wrong, on demand.

Loaded by a worker only through LONGHAUL_WORKFLOWS, and silent unless LONGHAUL_TEST_TOLD names a file: a line of JSON for each
signal of Celery, each event for Flower, and each end of a step of which the consumer hears. Its workflow is THREE. A run whose
subject begins with a key of `MISHAPS` has that happen to it between its first and its second step.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.core.workflow import Step, Workflow
from tests.support.waiting import wait_for

VARIABLE = "LONGHAUL_TEST_TOLD"
Told = dict[str, Any]
REQUEST = ("id", "root_id", "args", "is_eager", "called_directly", "hostname", "delivery_info")


class Names(BaseModel):
    """The states the run went through."""

    states: list[str] = []


def _step(step: Any, data: Names) -> str:
    from celery import current_task

    data.states.append(step.state)
    if VARIABLE in os.environ:
        n = len(data.states)
        request = vars(current_task.request) if current_task else {}  # none, where no bell brought the step
        note("step", f"{step.run_id}.{step.state}.{n}", request={name: request.get(name) for name in REQUEST})
        if step.state == "ONE":
            _before_the_second(step.subject, f"{step.run_id}.TWO.2")
    return "done"


def _three(name: str, *, version: int = 1, pool: str = "steps", then_pool: str = "steps") -> Workflow:
    pools = {"ONE": pool, "TWO": then_pool, "THREE": then_pool}
    then = {"ONE": "TWO", "TWO": "THREE", "THREE": "COMPLETE"}
    return Workflow(
        name=name,
        version=version,
        data=Names,
        starts_at="ONE",
        states=[Step(state, does=_step, pool=pool, then={"done": then[state]}) for state, pool in pools.items()],
    )


THREE = _three("three")
ELSEWHERE = _three("elsewhere", then_pool="documents")
FORKED = _three("forked", pool="documents", then_pool="documents")
VERSION_1, VERSION_2 = _three("versions"), _three("versions", version=2)


def told(file: Path, *whats: str) -> list[Told]:
    """What was written down so far, of these kinds."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in map(json.loads, lines) if line["what"] in whats]


def note(what: str, task_id: str | None = None, **more: Any) -> None:
    """Write a line: what happened, to which task, in which thread, and what the worker believes it has in work."""
    from celery.worker import state

    line = {
        "what": what,
        "id": task_id,
        "thread": threading.get_ident(),
        "reserved": len(state.reserved_requests),
        "active": len(state.active_requests),
        "requests": len(state.requests),
    }
    with Path(os.environ[VARIABLE]).open("a") as file:  # one write, so that lines of several threads do not mix
        file.write(json.dumps(line | more, default=str) + "\n")


_mishaps: dict[str, str] = {}  # what is to happen, by the id of the second step's task


def _before_the_second(subject: str, second: str) -> None:
    if subject.startswith("starved"):
        wait_for(lambda: any(patience._starved for patience in _patiences), "the consumer to wait for a slot")
    for mishap, happens in MISHAPS.items():
        if subject.startswith(mishap):
            _mishaps[second] = mishap
            happens(second)


def _revoke(second: str) -> None:
    from celery.worker import state

    state.revoked.add(second)


def _nothing_yet(second: str) -> None:
    """It happens when the second step's task comes to that point."""


MISHAPS: dict[str, Callable[[str], None]] = {
    "revoked at once": _revoke,
    "revoked when reserved": _nothing_yet,
    "event lost": _nothing_yet,
    "loader fails": _nothing_yet,
    "prerun raises": _nothing_yet,
    "prerun exits": _nothing_yet,
    "postrun raises": _nothing_yet,
}


def _comes_to(mishap: str, task_id: str) -> bool:
    """Whether this is to happen to the task now; it happens once."""
    if _mishaps.get(task_id) != mishap:
        return False
    del _mishaps[task_id]
    return True


class Broken(Exception):
    """What a receiver of somebody's raises."""


_patiences: list[Any] = []


def _listen() -> None:
    from celery import signals

    from app.engine import onward

    onward.SECONDS = onward.BUSY_SECONDS = 3600.0  # on a busy machine the first step may take longer than a chain may

    def received(request: Any, **_: Any) -> None:
        note("received", request.id)
        if _comes_to("revoked when reserved", request.id):
            _revoke(request.id)

    def prerun(task_id: str, **_: Any) -> None:
        note("prerun", task_id)
        if _comes_to("prerun raises", task_id):
            raise Broken
        if _comes_to("prerun exits", task_id):
            raise SystemExit(3)

    def postrun(task_id: str, state: str | None, **_: Any) -> None:
        note("postrun", task_id, state=state)
        if _comes_to("postrun raises", task_id.replace(".ONE.1", ".TWO.2")):
            raise Broken

    def success(sender: Any, runtime: float, **_: Any) -> None:
        note("success", sender.request.id, runtime=runtime)

    for signal, receiver in (
        (signals.task_received, received),
        (signals.task_prerun, prerun),
        (signals.task_postrun, postrun),
        (signals.task_success, success),
    ):
        signal.connect(receiver, weak=False)


class _Hub:
    """The loop of the consumer, which says how often it was woken for a slot."""

    def __init__(self, hub: Any) -> None:
        self._hub, self.woken = hub, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)

    def call_soon(self, *call: Any) -> None:
        self.woken += 1
        self._hub.call_soon(*call)


def _overhear() -> None:
    """What no signal tells: events, how the consumer waits for a slot, what Celery does before a task."""
    from celery.events import EventDispatcher

    from tasks.edge.several import Patience
    from tasks.loader import Loader

    send, freed, begin, init = EventDispatcher.send, Patience.freed, Patience.__init__, Loader.on_task_init

    def send_told(self: Any, kind: str, *args: Any, **fields: Any) -> Any:
        if kind.startswith("task-"):
            note(kind, fields.get("uuid"))
            if kind == "task-received" and _comes_to("event lost", str(fields.get("uuid"))):
                raise Broken
        return send(self, kind, *args, **fields)

    def begin_told(self: Any, hub: Any, *args: Any) -> None:
        begin(self, _Hub(hub), *args)
        _patiences.append(self)

    def freed_told(self: Any, **named: Any) -> None:
        before, starved = self._hub.woken, self._starved
        freed(self, **named)
        note("freed", named.get("task_id"), starved=starved, woken=self._hub.woken > before)

    def init_told(self: Any, task_id: str, task: Any) -> None:
        if _comes_to("loader fails", task_id):
            raise Broken
        init(self, task_id, task)

    EventDispatcher.send, Loader.on_task_init = send_told, init_told
    Patience.__init__, Patience.freed = begin_told, freed_told  # type: ignore[method-assign,assignment]


if VARIABLE in os.environ:
    _listen()
    _overhear()
