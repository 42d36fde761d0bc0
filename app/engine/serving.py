"""Who serves which queue: the one answer that `doctor`, `explain` and the alerts give.

The law: a queue is served by a living worker that subscribes to it, pings, and is not about to leave. Served must be
the queues of the workflows this process has, and those of every unfinished run, of whichever version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from app.core.ids import queue_name
from app.engine.runtime import Registry


class Server(Protocol):
    """What of a worker thought alive says whether it serves."""

    @property
    def queues(self) -> Sequence[str]: ...
    @property
    def stopping(self) -> bool: ...
    @property
    def silent_seconds(self) -> float: ...


Of = TypeVar("Of", bound=Server)


def able(workers: Iterable[Of], silent_seconds: float) -> list[Of]:
    """Those of the workers thought alive that take leases."""
    return [w for w in workers if not w.stopping and w.silent_seconds <= silent_seconds]


def served(workers: Iterable[Server], silent_seconds: float) -> set[str]:
    """The queues that somebody serves."""
    return {queue for worker in able(workers, silent_seconds) for queue in worker.queues}


def wanted(workflows: Registry, unfinished: Iterable[tuple[str, int]], ready: Iterable[str]) -> set[str]:
    """The queues that must be served: of these workflows, of the versions (name, version) of unfinished runs, of READY runs."""
    own = {queue_name(state.pool, w.name, w.version) for w in workflows for state in w.states}
    own |= {queue_name("isolated", w.name, w.version) for w in workflows}
    # What pools a version has that is not here only whoever has it knows; each has this one.
    others = {
        queue_name("steps", name, version) for name, version in unfinished if workflows.find(name, version) is None
    }
    return own | others | set(ready)
