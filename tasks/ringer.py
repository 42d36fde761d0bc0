"""The ringer: in a worker, bells are rung by a thread of their own, all that came while it rang the last ones at once.

The law: a step never waits for the broker. Its move is committed before its bell comes here, so a bell that is lost
with the process, or that the broker does not take, is only late. Alone, a bell is rung at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue

from app.core.ports import Bell, Dispatcher
from app.engine import dispatching
from app.telemetry import logs

AT_ONCE = 200  # bells of one round trip
END_SECONDS = 5.0


class Ringer:
    """Rings for one worker process. Opened by the first bell, after any fork.

    unrung: told of the bells that the broker did not take.
    """

    def __init__(self, dispatcher: Dispatcher, unrung: Callable[[Sequence[Bell]], None]) -> None:
        self._dispatcher, self._unrung = dispatcher, unrung
        self._bells: SimpleQueue[Bell | None] = SimpleQueue()  # None: nothing comes after it
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, bells: Iterable[Bell]) -> int:
        """How many bells will be rung: all."""
        count = 0
        for bell in bells:
            self._bells.put(bell)
            count += 1
        if self._thread is None:
            self._start()
        return count

    def lying(self, queue: str) -> int:
        """How many lie in the broker, and here: of whatever queue, they will be there in a moment."""
        return self._bells.qsize() + dispatching.lying(self._dispatcher, queue)

    def end(self) -> None:
        """Ring what is left; a broker that hangs does not hold up the end for long."""
        with self._starting:
            thread = self._thread
        if thread is not None:
            self._bells.put(None)
            thread.join(END_SECONDS)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while bells := self._take():
            try:
                rung = self._dispatcher.ring(bells)
                if rung < len(bells):
                    self._unrung(bells[rung:])
            except Exception as problem:  # nobody else rings here; the sweep rings what was not
                logs.event("bell_not_rung", reason=f"{type(problem).__name__}: {problem}")

    def _take(self) -> list[Bell]:
        """Wait for a bell, then take what there is; empty at the end."""
        bells: list[Bell] = []
        while len(bells) < AT_ONCE:
            try:
                bell = self._bells.get(block=not bells)
            except Empty:
                break
            if bell is None:
                self._bells.put(None)  # found again when these bells are rung
                break
            bells.append(bell)
        return bells
