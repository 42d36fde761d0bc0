"""Dispatch: rings again for READY runs whose bell was lost, and first for those whose bell there was no room for.

Every 5 s. The law: of no queue do more than `AHEAD` bells lie in the broker because a sweep rang them. So a broker that lost
everything is not flooded, and a run that becomes ready behind a hundred thousand others waits for a few hundred of them.
While there are more, the turn goes on until its period is over, and rings as others are answered.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable

from app.core.ports import Bell
from app.engine import dispatching
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import Connection
from app.store.workers import due

PER_QUEUE = 200  # the oldest are rung in each turn, whatever lies in the broker: their bells may be lost
AHEAD = 500
PAUSE_SECONDS = 0.25
EXPIRES_SECONDS = 300.0  # a bell of ours that nobody answers is rung anew long before


def run_once(rt: Runtime) -> dict[str, int]:
    """Ring for runs that have been READY for longer than one period; how many bells the broker took, and how many runs were late."""
    until = time.monotonic() + rt.settings.dispatch_seconds
    late, is_any = rt.database.transact(lambda db: _late(rt, db))
    rung = rt.dispatcher.ring(late) if late else 0
    while is_any:
        more, is_any = _behind(rt)
        rung += rt.dispatcher.ring(more) if more else 0
        if time.monotonic() >= until:
            break
        if is_any:
            threading.Event().wait(PAUSE_SECONDS)
    return {"rung": rung, "late": len(late)}


def ring_as_many_as_there_is_room_for(rt: Runtime, bells: Iterable[Bell]) -> int:
    """Of many bells those of each queue that it has room for, the first first; how many. The others are left to the next turn."""
    by_queue: dict[str, list[Bell]] = defaultdict(list)
    for bell in bells:
        by_queue[bell.queue].append(bell)
    rung = 0
    for queue, some in by_queue.items():
        if fitting := some[: max(0, AHEAD - dispatching.lying(rt.dispatcher, queue))]:
            rung += rt.dispatcher.ring(fitting)
    return rung


def _late(rt: Runtime, db: Connection) -> tuple[list[Bell], bool]:
    """The bells of those that have waited long enough, and whether any run is READY."""
    queues = due.ready_queues(db)
    for queue in queues:
        clock.restart(db, "ready", {"queue": queue})
    found = due.ready(db, queues, older_seconds=rt.settings.dispatch_seconds, limit=PER_QUEUE)
    return [_bell(row) for row in found], bool(queues)


def _behind(rt: Runtime) -> tuple[list[Bell], bool]:
    """Of queues in which more runs are READY than we let bells lie, those behind the ones that have a bell there; and
    whether it is worth looking again soon: not where others have rung for far more."""
    by_queue: dict[str, list[due.Ready]] = defaultdict(list)
    for row in rt.database.transact(
        lambda db: due.ready(db, due.ready_queues(db), older_seconds=PAUSE_SECONDS, limit=AHEAD)
    ):
        by_queue[row.queue].append(row)
    bells: list[Bell] = []
    again = False
    for queue, oldest in by_queue.items():
        if len(oldest) == AHEAD:
            lying = dispatching.lying(rt.dispatcher, queue)
            bells += [_bell(row) for row in oldest[lying:]]
            again |= lying < 2 * AHEAD
    return bells, again


def _bell(row: due.Ready) -> Bell:
    return Bell(row.id, row.step_seq, row.workflow, row.state, row.queue, EXPIRES_SECONDS)
