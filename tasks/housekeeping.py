"""Housekeeping in every process that works: in the main process of a threads pool, in each child of a prefork pool.

The law: a prefork child works on one step at a time, whether a bell or the housekeeping brought it; that is what
`isolated` means.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from typing import Any

from celery import signals

from app.core.ports import Bell
from app.engine.process.housekeeping import Housekeeping
from app.engine.runtime import Runtime
from app.sweeps import periods, run
from app.sweeps.watch import Watch

KEPT_SECONDS = 30.0

_kept: Housekeeping | None = None
_watch: Watch | None = None
_owner = 0
# Shared by a prefork parent and its children; made before the fork. A killed child's share stays.
_at_work = multiprocessing.get_context("fork").Value("i", 0)


class OneSlot:
    """The slot of a prefork child: held by whoever works there. The parent sees how many are held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True) -> bool:
        """Take the slot; False if it is taken and we do not wait."""
        taken = self._lock.acquire(blocking)
        if taken:
            self._count(1)
        return taken

    def release(self) -> None:
        """Give the slot back."""
        self._count(-1)
        self._lock.release()

    def locked(self) -> bool:
        """Whether somebody works."""
        return self._lock.locked()

    @staticmethod
    def _count(change: int) -> None:
        with _at_work.get_lock():
            _at_work.value += change


_slot = OneSlot()


def begin(rt: Runtime, queues: Sequence[str], slots: int, *, prefork: bool) -> None:
    """Start looking after things in this process; once its liveness stands."""
    global _kept, _watch, _owner
    _owner = os.getpid()
    if prefork:
        signals.task_prerun.connect(_occupy)
        signals.task_postrun.connect(_vacate)
    _kept = Housekeeping(
        rt,
        queues=queues,
        slots=slots,
        periods=periods(rt.settings),
        sweep=lambda name: run(rt, name),
        slot=_slot if prefork else None,
    )
    _kept.start()
    _watch = Watch(rt)
    _watch.start()


def offer(bells: Sequence[Bell]) -> None:
    """Bells that the broker did not take: what this process can do itself is done at once, the rest is the sweep's."""
    if _kept is not None and _owner == os.getpid():
        _kept.offer(bells)


def end() -> None:
    """Take nothing more; returns when the steps taken have ended."""
    if _kept is not None and _owner == os.getpid():
        if _watch is not None:
            _watch.stop()
        _kept.stop()


def children_at_work() -> int:
    """In a prefork parent: how many of its children work on something."""
    return int(_at_work.value)


def _occupy(**_: Any) -> None:
    """A bell that cannot be answered yet is kept for a while: its parent gives this process no other meanwhile."""
    _slot.acquire()
    if _kept is not None:
        _kept.until_it_may_lease(KEPT_SECONDS)


def _vacate(**_: Any) -> None:
    if _slot.locked():
        _slot.release()
