"""Retention: forgets what is of no use any more. It never touches a run.

Every hour, in small batches. Canary queues need none: they expire in the broker once their worker is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from app.engine.runtime import Runtime
from app.store.records import retention

BATCH = 1000
DAY_SECONDS = 86_400.0
WORKERS_SECONDS = 30 * DAY_SECONDS  # transitions name workers by id; a month tells which machine an id was
KEYS_SECONDS = 90 * DAY_SECONDS
REFUSED_SECONDS = 30 * DAY_SECONDS

Forget = Callable[..., int]


def run_once(rt: Runtime) -> dict[str, int]:
    """How many rows of gone workers, of old idempotency keys and of refused messages were deleted."""
    return {
        "workers": _all(rt, retention.forget_workers, WORKERS_SECONDS),
        "idempotency_keys": _all(rt, retention.forget_keys, KEYS_SECONDS),
        "refused_messages": _all(rt, retention.forget_refused, REFUSED_SECONDS),
    }


def _all(rt: Runtime, forget: Forget, age_seconds: float) -> int:
    done = 0
    while True:
        count = rt.database.transact(lambda db: forget(db, age_seconds=age_seconds, limit=BATCH))
        done += count
        if count < BATCH:
            return done
