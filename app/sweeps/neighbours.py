"""Neighbours: the worker processes on this machine, whose end the kernel tells those who saw them alive.

For the watch. The law: a neighbour is a process that this one has seen alive, by its id, its start and the machine's boot; so
one that has ended has ended for certain, whatever becomes of the database or the network. Who came too late to see it
alive knows nothing of it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from uuid import UUID

from app.engine.process import identity
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.workers import workers

MEET_SECONDS = 5.0  # how often new ones are looked for
REMEMBERED_SECONDS = 1.0  # an ended one whose session stands longer than this is left to the other looks


class Neighbours:
    """The neighbours of one process. For one thread."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._met = float("-inf")
        self._living: dict[UUID, int] = {}
        self._ended: dict[UUID, float] = {}

    def meet(self, db: Connection) -> None:
        """Look for new ones, and forget who is gone in order; at most every few seconds."""
        now = time.monotonic()
        if now - self._met < MEET_SECONDS:
            return
        self._met = now
        found = {row.id: row for row in workers.on_host(db, socket.gethostname()) if row.id != self._rt.worker_id}
        for row in found.values():
            if row.id not in self._living and (handle := identity.handle(row.pid, row.process)) is not None:
                self._living[row.id] = handle
        self._close(self._living.keys() - found.keys())

    def ended(self) -> set[UUID]:
        """Those that have ended a moment ago, and are not forgotten yet."""
        now = time.monotonic()
        for worker in [w for w, handle in self._living.items() if identity.has_ended(handle)]:
            self._ended[worker] = now
            self._close([worker])
        self._ended = {w: since for w, since in self._ended.items() if now - since < REMEMBERED_SECONDS}
        return set(self._ended)

    def forget(self, settled: Iterable[UUID]) -> None:
        """These that have ended hold nothing any more."""
        for worker in settled:
            self._ended.pop(worker, None)

    def descriptors(self) -> list[int]:
        """Readable as soon as one of those alive ends."""
        return list(self._living.values())

    def close(self) -> None:
        """Look after nobody any more."""
        self._close(list(self._living))

    def _close(self, some: Iterable[UUID]) -> None:
        for worker in list(some):
            os.close(self._living.pop(worker))
