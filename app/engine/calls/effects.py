"""What the calls of one attempt leave open or done outside, and what must be known before their step is left.

The law: a step is not left for good while nobody knows whether a call of it had its effect, and a divergence is not
forgotten, whatever the step's own code does with the exceptions it is given. First such a call is settled, by its rules or
by a person; then comes what the step was left for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from app.core.errors import Diverged, OutcomeUnknown
from app.core.statuses import BEGUN, CheckpointKind
from app.engine.calls.call import Call
from app.store.runs.steps import Checkpoint

RETRY_UNKNOWN_SECONDS = 1.0


class Effects:
    """The effects of one attempt's calls. Safe for calls made at the same time."""

    def __init__(self, recorded: Mapping[int, Checkpoint]) -> None:
        self._recorded, self._lock = recorded, threading.Lock()
        # By number: the name of a call whose outcome is open, and what this attempt learned of it.
        self._open = {
            seq: row.name for seq, row in recorded.items() if row.kind is CheckpointKind.TOOL and row.status in BEGUN
        }
        self._told: dict[int, OutcomeUnknown] = {}
        self._harmless: set[int] = set()
        self._diverged: Diverged | None = None

    @contextmanager
    def of(self, call: Call) -> Iterator[None]:
        """Follow a call while it is made."""
        self._meet(call)
        try:
            yield
        except OutcomeUnknown as problem:
            with self._lock:
                self._open[call.seq], self._told[call.seq] = call.name, problem
            raise
        except Diverged as problem:
            self._diverged = self._diverged or problem
            raise
        else:
            with self._lock:
                self._open.pop(call.seq, None)

    def _meet(self, call: Call) -> None:
        found = self._recorded.get(call.seq)
        if not call.has_effect and (found is None or found.name == call.name):
            with self._lock:
                self._harmless.add(call.seq)
                self._open.pop(call.seq, None)

    def is_effect(self, row: Checkpoint) -> bool:
        """Whether a call may have changed the world: any tool's that this attempt did not meet as one that only reads."""
        return row.kind is CheckpointKind.TOOL and row.call_seq not in self._harmless

    @property
    def open(self) -> Mapping[int, str]:
        """By number, the names of the calls of which nobody knows whether they had their effect."""
        return dict(self._open)

    def require_none(self) -> None:
        """Before a step ends in order. Raises what its own code had been told and did not pass on."""
        if self._diverged is not None:
            raise self._diverged
        if self._open:
            raise self.first()

    def first(self) -> OutcomeUnknown:
        """What is to be settled first. Without a time it was not reached again, and only a person can say."""
        seq = min(self._open)
        return self._told.get(seq) or OutcomeUnknown(f"{self._open[seq]} was begun and not made again", call_seq=seq)

    def was_told(self, seq: int) -> bool:
        """Whether this attempt itself learned that the outcome of a call is unknown, and wrote so."""
        return seq in self._told
