"""How long each sweep takes, and each look that is no sweep, with whatever is in the database."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.bootstrap import runtime
from app.engine.runtime import Runtime
from app.settings import Settings
from app.store.database import Connection, connect
from app.store.reads import overview
from app.store.workers import due, workers
from app.sweeps import SWEEPS, periods
from benchmarks.machine import percentile
from tests.support.dispatchers import SILENT_DISPATCHER

LIST = 8  # as the overview asks for
Look = Callable[[], object]


def measure(url: str, *, rounds: int) -> dict[str, dict[str, float]]:
    """Of each, the median and the longest of so many turns in ms; the first is not counted: it fills the server's memory."""
    config = Settings(database_url=url, dispatcher=SILENT_DISPATCHER, log_level="ERROR")
    rt = runtime((), config=config)
    web = connect(url, "web")
    try:
        looks = _sweeps(rt) | _looks(rt) | _overview(web)
        return {name: _timed(look, rounds) for name, look in looks.items()}
    finally:
        web.close()
        rt.journal.close()
        rt.database.close()


def _sweeps(rt: Runtime) -> dict[str, Look]:
    return {f"sweep {name}": lambda once=once: once(rt) for name, once in SWEEPS.items()}  # type: ignore[misc]


def _looks(rt: Runtime) -> dict[str, Look]:
    """What each process asks of the database while nothing happens."""
    transact = rt.database.transact
    queues = ["steps.parked.v1", "steps.passing.v1"]
    return {
        "look for dead workers": lambda: transact(workers.without_lock),
        "own leases": lambda: transact(lambda db: workers.owned(db, rt.worker_id)),
        "overdue sweeps": lambda: transact(lambda db: due.overdue_sweeps(db, periods(rt.settings))),
        "steps without a bell": lambda: transact(lambda db: due.ready(db, queues, older_seconds=10.0, limit=64)),
    }


def _overview(db: Connection) -> dict[str, Look]:
    """What the overview asks, however many look at it, every few seconds; the counts by status every 30 s or less often."""
    slot = int(time.time() // overview.SLOT_SECONDS)
    return {
        "overview": lambda: overview.now(db, limit=LIST),
        "overview, models": lambda: overview.spending(db),
        "overview, last slot": lambda: overview.slots(db, slot, slot + 1),
        "overview, counts": lambda: _in_transaction(db, overview.counts),
    }


def _in_transaction(db: Connection, look: Callable[[Connection], object]) -> object:
    with db.transaction():
        return look(db)


def _timed(look: Look, rounds: int) -> dict[str, float]:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        look()
        took.append((time.perf_counter() - began) * 1000)
    first, *others = took
    return {"p50_ms": round(percentile(others, 0.5), 1), "worst_ms": round(max(others), 1), "first_ms": round(first, 1)}
