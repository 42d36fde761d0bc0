"""Dispatch: rings again for READY runs whose bell was lost.

Every 5 s. Rings only the oldest of each queue, so that a broker that lost everything is not flooded.
"""

from __future__ import annotations

from app.core.ports import Bell
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import Connection
from app.store.workers import due

PER_QUEUE = 200
EXPIRES_SECONDS = 300.0  # a bell of ours that nobody answers is rung anew long before


def run_once(rt: Runtime) -> dict[str, int]:
    """Ring for runs that have been READY for longer than one period; how many bells the broker took."""
    older = rt.settings.dispatch_seconds

    def find(db: Connection) -> list[Bell]:
        queues = due.ready_queues(db)
        for queue in queues:
            clock.restart(db, "ready", {"queue": queue})
        return [
            Bell(row.id, row.step_seq, row.workflow, row.state, row.queue, EXPIRES_SECONDS)
            for row in due.ready(db, queues, older_seconds=older, limit=PER_QUEUE)
        ]

    bells = rt.database.transact(find)
    return {"rung": rt.dispatcher.ring(bells) if bells else 0, "late": len(bells)}
