"""Retry policies as values. A policy decides; nothing is written here.

Backoff is exponential with full jitter: the delay is drawn uniformly from [0, min(cap, base * factor ** n)], which
spreads a herd best (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a state's work is tried.

    `attempts` counts tries, the first included. `give_up_seconds` bounds how long a throttled downstream, or an
    outcome too fresh to judge, may park the step before it counts as failed.
    """

    attempts: int = 4
    base_seconds: float = 2.0
    factor: float = 2.0
    cap_seconds: float = 300.0
    give_up_seconds: float = 6 * 3600.0

    def delay_seconds(self, attempt: int, draw: Callable[[], float]) -> float | None:
        """Seconds until the try after `attempt` (1 for the first), or None if none is left. `draw` gives [0, 1)."""
        if attempt >= self.attempts:
            return None
        return draw() * min(self.cap_seconds, self.base_seconds * self.factor ** (attempt - 1))


TRANSIENT = RetryPolicy()
ONCE = RetryPolicy(attempts=1)
PATIENT = RetryPolicy(attempts=8, base_seconds=5.0, cap_seconds=1800.0)
