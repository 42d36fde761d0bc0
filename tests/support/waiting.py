"""Waiting for a condition: tests never sleep and never assert times, they wait for an outcome or fail with evidence."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# `make mutants` shortens it: there the outcome is known not to come.
PATIENCE_SECONDS = float(os.environ.get("LONGHAUL_TEST_PATIENCE", "60"))
START_SECONDS = 90.0  # a process takes as long to start whatever is broken


class NeverHappened(AssertionError):
    """What was waited for did not come; the message says what it was and what could be seen instead."""


def wait_for(
    look: Callable[[], T | None],
    what: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = 0.05,
    evidence: Callable[[], str] = str,
) -> T:
    """Look until there is something to see. Raises NeverHappened after `seconds`, with the evidence at that moment."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise NeverHappened(f"waited {seconds:.0f} s for {what}\n{evidence()}")
        pause.wait(every)
    return seen
