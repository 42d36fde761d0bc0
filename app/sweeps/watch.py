"""The watch: every worker process looks after the others, so that a killed one is found within seconds.

A thread of its own from the start of the process: no slot, message or beat is needed, and the observer is old enough
when it is. The law: among all processes one looks at a time, half a period of the heartbeats sweep apart; whoever
reaches a verdict acts on it. Two that reach the same are harmless, as any two sweepers are.
"""

from __future__ import annotations

import threading

from app.engine.runtime import Runtime
from app.sweeps import heartbeats
from app.sweeps.observer import Observer
from app.telemetry import logs


class Watch:
    """The watch of one process. Idle behind a transaction pooler, where no session is one's own."""

    def __init__(self, rt: Runtime) -> None:
        self._rt, self._observer = rt, Observer(rt)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        if self._rt.settings.liveness == "lock":
            self._thread.start()

    def stop(self) -> None:
        """End; a verdict that is being acted on is acted on."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> int:
        """One turn; the number of runs taken from workers that are gone."""
        return sum(heartbeats.give_up(self._rt, lost) for lost in self._observer.turn())

    def _run(self) -> None:
        while True:
            try:
                self.turn()
            except Exception as problem:  # whatever it was, the next turn may succeed, or somebody else's
                logs.event("watch_failed", reason=f"{type(problem).__name__}: {problem}")
            # No jitter: who looked last comes first again, and looks are as far apart as they shall be.
            if self._stopped.wait(self._rt.settings.heartbeats_seconds / 2):
                break
        self._observer.close()
