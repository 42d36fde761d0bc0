"""Human tasks: reminds, says what is overdue and escalates it, and takes back claims nobody works on.

Every 60 s. An SLA never moves a run: only `expires`, with a route, does, and that is the timers sweep's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from app.alerts import ledger
from app.alerts.rules import task_overdue
from app.core.declarations.roles import Right
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import Connection
from app.store.human_tasks import sla
from app.store.records import alerts
from app.telemetry import logs

BATCH = 200
CLAIM_SECONDS = 1800.0  # a draft saved renews it
ACTOR = "sweep:human_tasks"
RULE = "task_overdue"
_Row = TypeVar("_Row")


def run_once(rt: Runtime) -> dict[str, int]:
    """One round: how many tasks were reminded of, became overdue, came back unclaimed; alerts opened and resolved.

    A reminder comes at three quarters of the time until due. An overdue task stays with its role; an event and an
    alert show it to whoever may take it over.
    """
    to = rt.roles.having(Right.TAKE_OVER)
    told = _all(rt, lambda db: sla.tell(db, actor=ACTOR, escalate_to=to, limit=BATCH))
    rt.database.transact(lambda db: clock.restart(db, "claims"))
    returned = _all(rt, lambda db: sla.return_claims(db, lease_seconds=CLAIM_SECONDS, actor=ACTOR, limit=BATCH))
    for task in told:
        _log("overdue" if task.is_due else "reminder", task.run_id, task.task_id)
    for claim in returned:
        _log("claim returned", claim.run_id, claim.task_id)
    late = sum(task.is_due for task in told)
    found, standing = rt.database.transact(lambda db: (sla.overdue(db), alerts.standing(db, [RULE])))
    settled = ledger.settle(rt.database, {task_overdue(task) for task in found}, standing)
    return {"reminded": len(told) - late, "overdue": late, "returned": len(returned), **settled}


def _all(rt: Runtime, batch: Callable[[Connection], list[_Row]]) -> list[_Row]:
    """Batch by batch, one transaction each."""
    done: list[_Row] = []
    while len(rows := rt.database.transact(batch)) == BATCH:
        done += rows
    return done + rows


def _log(event: str, run_id: UUID, task_id: UUID) -> None:
    logs.event("human_task", event=event, run_id=str(run_id), task_id=str(task_id))
