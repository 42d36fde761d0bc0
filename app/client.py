"""What other backend jobs import: start a run inside your own database transaction, then ring.

    with psycopg.connect(...) as db:
        db.execute("INSERT INTO our_claims ...")
        started = client.start(db, INSURANCE_CLAIM, subject="CLM-1", data=claim, key="order-77")
    client.ring(started)   # optional: without it the dispatch sweep finds the run

The law: the run exists exactly if your transaction commits. The same key with the same body is the same run.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from app.core.errors import BadInput
from app.core.workflow import Workflow
from app.engine import start as engine
from app.engine.dispatching import load_dispatcher
from app.engine.start import Started
from app.settings import settings
from app.store.database import as_ours
from app.telemetry import logs

__all__ = ["Started", "ring", "start"]


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

    Raises BadInput for data that does not fit, KeyReused for a key with another body.
    """
    with as_ours(db) as own:
        return engine.start(own, workflow, subject=subject, data=data, key=key, actor=actor, priority=priority)


def ring(started: Started) -> bool:
    """Tell the workers at once; False if the broker was away, which only costs one sweep. Never blocks for long.

    Nor raises: the run is committed. What keeps this process from ringing at all, such as a module `tasks` of its own
    that hides ours, is a warning in its log.
    """
    try:
        dispatcher = load_dispatcher(settings().dispatcher)
    except BadInput as problem:
        logs.LOGGER.warning("the run %s waits for the sweep, as this process cannot ring: %s", started.run_id, problem)
        return False
    return engine.announce(dispatcher, started)
