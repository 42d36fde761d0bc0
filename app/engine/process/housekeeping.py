"""Housekeeping: what a worker process does when nobody tells it to, so that a dead beat or broker stops nothing.

The law: it decides by the database alone, never by a message. A sweep that has not begun for twice its period is run
here; a run of our own queues that nobody took for two dispatch periods, or whose bell the broker did not take from
us, is leased straight from Postgres, as long as this process has a free slot. Both are safe with any number of
processes: the same guards hold as with a bell.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from uuid import UUID

from app.core.ports import Bell
from app.engine.runtime import Runtime
from app.engine.step import chain
from app.engine.step.step import run_step
from app.store.workers import due
from app.telemetry import logs

OFFERED = 1000  # bells that the broker did not take are kept for a free slot; what is beyond, the database knows
SPREAD = 4  # looks at so many runs per free slot and takes some of them, so that workers do not all want the same
PAUSE_SECONDS = 0.05  # between two looks while there is a backlog


class Slot(Protocol):
    """The one place to work in a process that works on one step at a time."""

    def acquire(self, blocking: bool = True) -> bool:
        """Take it; False if it is taken and we do not wait."""
        ...

    def release(self) -> None:
        """Give it back."""


class Housekeeping:
    """The housekeeping thread of one worker process.

    sweep: runs the sweep of a name, once among all who would. slot: given where the process works on one step at a
    time (a prefork child): whoever holds it works.
    """

    def __init__(
        self,
        rt: Runtime,
        *,
        queues: Sequence[str],
        slots: int,
        periods: Mapping[str, float],
        sweep: Callable[[str], object],
        slot: Slot | None = None,
    ) -> None:
        self._rt, self._queues, self._slots, self._slot = rt, list(queues), slots, slot
        self._periods, self._sweep = dict(periods), sweep
        self._lock = threading.Lock()
        self._mine: set[UUID] = set()
        self._offered: deque[due.Ready] = deque(maxlen=OFFERED)
        self._backlog = False
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=max(1, slots), thread_name_prefix="without-bell")
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin to look after things."""
        self._thread.start()

    def offer(self, bells: Iterable[Bell]) -> None:
        """Runs whose bells the broker did not take: those of our queues are taken as soon as a slot is free."""
        ours = [
            due.Ready(bell.run_id, bell.step_seq, bell.workflow, bell.state, bell.queue)
            for bell in bells
            if bell.queue in self._queues
        ]
        with self._lock:
            self._offered.extend(ours)
        self._wake.set()

    def until_it_may_lease(self, seconds: float) -> None:
        """Wait until this process may take a lease, or stops, but no longer than this."""
        self._rt.holdings.until_it_may_lease(seconds)

    def stop(self) -> None:
        """Take nothing more, and return when the steps taken have ended."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True)

    def look(self) -> tuple[list[str], int]:
        """One look: the sweeps run and the number of steps taken. Nothing without a free slot, or while we may not lease."""
        if not self._rt.holdings.may_lease() or self._free() < 1:
            return [], 0
        return self._run_overdue(), self._take()

    def _run(self) -> None:
        every = min(self._periods.values())
        while not self._stopped.is_set():
            # Jittered, so that idle workers do not all look at the same moment.
            self._wake.wait(random.uniform(0.5, 1.5) * every)
            self._wake.clear()
            try:
                self.look()
            except Exception as problem:  # whatever it was, the next look may succeed, and nobody else looks
                logs.event("housekeeping_failed", reason=f"{type(problem).__name__}: {problem}")
            self._stopped.wait(PAUSE_SECONDS)

    def _run_overdue(self) -> list[str]:
        late = list(self._rt.database.transact(lambda db: due.overdue_sweeps(db, self._periods)))
        random.shuffle(late)
        done = []
        for name in late:
            if self._stopped.is_set():
                break
            try:
                if self._sweep(name) is not None:
                    done.append(name)
                    logs.event("sweep_without_beat", sweep=name)
            except Exception as problem:  # a sweep that cannot run must not keep the others from running
                logs.event("sweep_failed", sweep=name, reason=f"{type(problem).__name__}: {problem}")
        return done

    def _take(self) -> int:
        free = self._free()
        if self._slot is not None and not self._slot.acquire(blocking=False):
            return 0
        taken: list[due.Ready] = []
        try:
            found = self._waiting(free * SPREAD) if len(self._offered) < free else []
            taken = self._next_offered(free)
            self._backlog = bool(self._offered) or len(found) > free - len(taken)
            taken += random.sample(found, min(free - len(taken), len(found)))
            for ready in taken:
                with self._lock:
                    self._mine.add(ready.id)
                self._pool.submit(self._work, ready)
        finally:
            if self._slot is not None and not taken:
                self._slot.release()
        return len(taken)

    def _next_offered(self, count: int) -> list[due.Ready]:
        with self._lock:
            return [self._offered.popleft() for _ in range(min(count, len(self._offered)))]

    def _waiting(self, limit: int) -> list[due.Ready]:
        """Runs of our queues that nobody took for two dispatch periods, the oldest of each queue."""
        older = 2 * self._rt.settings.dispatch_seconds
        found = self._rt.database.transact(
            lambda db: due.ready(db, self._queues, older_seconds=older, limit=limit),
        )
        with self._lock:
            return [ready for ready in found if ready.id not in self._mine]

    def _work(self, ready: due.Ready) -> None:
        try:
            chain.begin(self._rt)
            self._step(ready.id, ready.step_seq, ready.workflow, ready.state)
            while following := self._rt.onward.next:
                run = following.run
                self._step(run.id, run.step_seq, run.workflow, run.state)
        finally:
            chain.end(self._rt)
            with self._lock:
                self._mine.discard(ready.id)
            if self._slot is not None:
                self._slot.release()
            if self._backlog:
                self._wake.set()

    def _step(self, run_id: UUID, step_seq: int, workflow: str, state: str) -> None:
        said = "failed"
        try:
            said = run_step(self._rt, run_id, step_seq, workflow=workflow, state=state)
        finally:
            logs.event("step_without_bell", run_id=str(run_id), step=state, outcome=said)

    def _free(self) -> int:
        with self._lock:
            return self._slots - len({holding.run_id for holding in self._rt.holdings.all()} | self._mine)
