"""What other backend jobs import: start a run inside your own database transaction, then ring.

    with psycopg.connect(...) as db:
        db.execute("INSERT INTO our_claims ...")
        started = client.start(db, INSURANCE_CLAIM, subject="CLM-1", data=claim, key="order-77")
    client.ring(started)   # optional: without it the dispatch sweep finds the run

Many at once, by a statement for each few hundred of them:

    started = client.start_many(db, INSURANCE_CLAIM, (NewRun(claim.number, claim, key=claim.order) for claim in claims))

The law: a run exists exactly if your transaction commits. The same key with the same body is the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from app.core.errors import BadInput
from app.core.workflow import Workflow
from app.engine import start as engine
from app.engine.dispatching import load_dispatcher
from app.engine.fitting import NewRun
from app.engine.start import Started
from app.settings import settings
from app.store.database import as_ours
from app.telemetry import logs

__all__ = ["NewRun", "Started", "ring", "ring_many", "start", "start_many"]


def start(
    db: Any,
    workflow: Workflow,
    *,
    subject: str,
    data: BaseModel | dict[str, Any],
    key: str | None = None,
    actor: str = "job",
    priority: int = 0,
) -> Started:
    """Start a run in the transaction of `db`, a psycopg connection.

    Raises BadInput for data that does not fit, KeyReused for a key with another body or a subject that has a run, and
    Refused where others start the same run and take it back, again and again.
    """
    with as_ours(db) as own:
        return engine.start(own, workflow, subject=subject, data=data, key=key, actor=actor, priority=priority)


def start_many(
    db: Any, workflow: Workflow, many: Iterable[NewRun], *, actor: str = "job", priority: int = 0
) -> list[Started]:
    """Start runs in the transaction of `db`, all of them or none; what became of each, in the order given.

    Each is checked as `start` checks one, and a key that is there already gives its run. `many` may be a generator: it is
    read some hundreds of runs at a time, and nothing of them is kept but the answer. Raises what `start` raises, the message
    beginning with which run it is ("run 17, 'CLM-17': …"); then none of them is started.

    Of two callers with the same keys or subjects one waits for the other. If they give more than 500 in different orders,
    Postgres may end one of them as a deadlock (psycopg.errors.DeadlockDetected): its transaction can be tried again.
    """
    return engine.start_many(db, workflow, many, actor=actor, priority=priority)


def ring(started: Started) -> bool:
    """Tell the workers at once; False if the broker was away, which only costs one sweep. Never blocks for long.

    Nor raises: the run is committed. What keeps this process from ringing at all, such as a module `tasks` of its own
    that hides ours, is a warning in its log.
    """
    return ring_many([started]) == 1


def ring_many(many: Sequence[Started]) -> int:
    """As `ring`, of many runs, a thousand in one message to the broker. How many bells the broker took; a sweep rings the others."""
    try:
        dispatcher = load_dispatcher(settings().dispatcher)
    except BadInput as problem:
        which = f"run {many[0].run_id} waits" if len(many) == 1 else f"{len(many)} runs wait"
        logs.LOGGER.warning("the %s for the sweep, as this process cannot ring: %s", which, problem)
        return 0
    return engine.announce_many(dispatcher, many)
