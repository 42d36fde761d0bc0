"""Going on: whether a thread that ends a step goes on with the run's next one, with its lease and without a message.

The law: only where this process would be rung for the next step, and only while it may lease and no step of its own is
overdue. Nobody waits long for it: a chain of steps ends after STEPS of them or SECONDS, and after BUSY_SECONDS if all slots are
taken and a run of another queue of ours has waited for WAITED_SECONDS. Each chain has a share of these times by chance, at
least a quarter: chains that began together would end together, and leave all slots to one queue again. Where nobody follows
the chain (a prefork child, a command, a test that runs one step), no thread goes on.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.core.canonical import canonical
from app.core.ids import task_name
from app.core.lifecycle import EventKind, Status
from app.core.run import Run, Transition
from app.engine.holdings import Holding, Holdings
from app.store.runs import steps
from app.store.runs.runs import restore_text
from app.store.runs.steps import Checkpoint

STEPS = 16
SECONDS = 0.5
BUSY_SECONDS = 0.1
WAITED_SECONDS = 0.1
LEAST_SHARE = 0.25
LOOK_SECONDS = 0.05  # so far apart are two looks for runs that wait


@dataclass(frozen=True, slots=True)
class Taken:
    """A step under a lease of this process, as its work begins.

    head: the hash that the run's chain of transitions ends with. at: when the lease was taken, by the database's clock.
    journal: the step's own checkpoint, then those of its calls. data: the run's data as the canonical text.
    """

    holding: Holding
    run: Run
    head: bytes
    at: datetime
    journal: list[Checkpoint]
    data: str

    def onward(self, to: Transition, holding: Holding, row: Mapping[str, Any], data: str | None) -> Taken:
        """The next step, once the move `to` was written with its lease: what reading its rows would give, without reading them.

        row: what the move's statement gave. data: the run's new data, if the step changed them.
        """
        run = replace(
            self.run,
            state=to.state,
            status=Status.RUNNING,
            step_seq=to.step_seq,
            queue=to.queue,
            attempt=to.attempt,
            crash_attempts=to.crash_attempts + 1,
            late_retries=to.late_retries,
            routes=to.routes,
            pending_events=to.pending_events,
            pause_requested=to.pause_requested,
            waiting_reason=to.waiting_reason,
            children_left=to.children_left,
            irreversible=row["irreversible_since"] is not None,
            lease_token=holding.token,
            transition_seq=row["transition_seq"],
        )
        entered = steps.entered(
            task_name(run.workflow, run.state), {"cause": restore_text(canonical(to.cause))}, row["at"]
        )
        return Taken(holding, run, row["transition_hash"], row["at"], [entered], self.data if data is None else data)


@dataclass
class _Chain(threading.local):
    """The steps that one thread has gone through since its slot was taken. next: what it goes on with."""

    followed: bool = False
    steps: int = 0
    began: float = 0.0
    share: float = 1.0
    next: Taken | None = None


@dataclass
class Onward:
    """The chains of one process.

    serves: whether this process has a workflow's version with a state. waiting: which of these queues have a READY run
    that has waited so many seconds. is_full: whether every slot is taken. now: monotonic seconds. draw: a number from 0 to 1.
    """

    holdings: Holdings
    queues: Collection[str] = ()
    serves: Callable[[str, int, str], bool] = lambda *_: False
    waiting: Callable[[Collection[str], float], Iterable[str]] = lambda *_: ()
    is_full: Callable[[], bool] = lambda: False
    now: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    _chain: _Chain = field(default_factory=_Chain)
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _looked_at: float = float("-inf")
    _seen: frozenset[str] = frozenset()

    def follow(self) -> Taken | None:
        """This thread begins a chain, and whoever called goes on with what is `next`, to the `end`. What an earlier chain left."""
        left = self.end()
        self._chain.followed, self._chain.steps, self._chain.began = True, 0, self.now()
        self._chain.share = LEAST_SHARE + (1 - LEAST_SHARE) * self.draw()
        return left

    def end(self) -> Taken | None:
        """This thread goes on no more; what is left was never begun, and its lease is to be handed back."""
        left, self._chain.next, self._chain.followed = self._chain.next, None, False
        return left

    def wants(self, run: Run, to: Transition) -> bool:
        """Whether this thread goes on with the step that `run` enters by the move `to`."""
        chain = self._chain
        return (
            chain.followed
            and to.event is EventKind.STEP_FINISHED
            and to.status is Status.READY
            and to.enters
            and to.queue in self.queues
            and self.serves(run.workflow, run.workflow_version, to.state)
            and self.may_go_on()
            and not self.holdings.overdue()
            and self._is_fair(chain, to.queue)
        )

    def may_go_on(self) -> bool:
        """Whether this process works on a lease it gets now."""
        return self.holdings.may_lease()

    def keep(self, taken: Taken) -> None:
        """This thread goes on with it."""
        self._chain.next = taken
        self._chain.steps += 1

    @property
    def next(self) -> Taken | None:
        """What this thread goes on with."""
        return self._chain.next

    def take(self, run: object, step_seq: int) -> Taken | None:
        """What was kept for this very step of a run, for the thread that begins it."""
        kept = self._chain.next
        if kept is None or (kept.run.id, kept.run.step_seq) != (run, step_seq):
            return None
        self._chain.next = None
        return kept

    def _is_fair(self, chain: _Chain, queue: str) -> bool:
        lasted = (self.now() - chain.began) / chain.share
        if chain.steps + 1 >= STEPS or lasted >= SECONDS:
            return False
        return lasted < BUSY_SECONDS or not self.is_full() or not self._others_wait(queue)

    def _others_wait(self, queue: str) -> bool:
        """One thread looks for all; meanwhile the others go by the last look."""
        if self.now() - self._looked_at >= LOOK_SECONDS and self._looking.acquire(blocking=False):
            try:
                self._seen = frozenset(self.waiting(self.queues, WAITED_SECONDS))
                self._looked_at = self.now()
            finally:
                self._looking.release()
        return bool(self._seen - {queue})
