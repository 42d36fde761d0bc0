"""What the engine needs from outside, as protocols. Real things are chosen in `app.bootstrap`, fakes in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Bell:
    """A doorbell: this step of this run is ready. Carries ids only; a forged one can do no more than ask.

    expires_seconds: void when nobody answered for so long. Only a bell that will be rung anew needs it, so that those
    nobody answers do not pile up.
    """

    run_id: UUID
    step_seq: int
    workflow: str
    state: str
    queue: str
    expires_seconds: float | None = None


class Dispatcher(Protocol):
    """Rings doorbells. Best effort: a failure is logged and left to the dispatch sweep, never raised."""

    def ring(self, bells: Iterable[Bell]) -> int:
        """How many bells were handed to the broker."""
        ...


class ToolCode(Protocol):
    """The code of a tool. Raises NotDone or Throttled when it is certain that nothing happened."""

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """Act once, under the idempotency key; a JSON-able result."""
        ...


class Reconciles(Protocol):
    """A tool that can be asked whether a key was served."""

    def reconcile(self, key: str, params: Mapping[str, Any]) -> Any | None:
        """The result recorded downstream under the key, or None if it knows of none."""
        ...
