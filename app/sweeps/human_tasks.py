"""Human tasks: reminds, says what is overdue and escalates it, and takes back claims nobody works on.

Every 60 s. An SLA never moves a run: only `expires`, with a route, does, and that is the timers sweep's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.alerts import ledger
from app.alerts.rules import task_overdue
from app.engine.runtime import Runtime
from app.store import alerts, sla
from app.store.database import Connection
from app.telemetry import logs

BATCH = 200
REMIND_AT = 0.75  # of the time until due
CLAIM_SECONDS = 1800.0  # a draft saved renews it
ESCALATED_TO = "supervisor"
ACTOR = "sweep:human_tasks"
RULE = "task_overdue"


def run_once(rt: Runtime) -> dict[str, int]:
    """One round: how many tasks were reminded of, became overdue, came back unclaimed; alerts opened and resolved."""
    counts = {
        "reminded": _all(rt, _remind),
        "overdue": _all(rt, _escalate),
        "returned": _all(rt, _return),
    }
    found, standing = rt.database.transact(lambda db: (sla.overdue(db), alerts.standing(db, [RULE])))
    return counts | ledger.settle(rt.database, {task_overdue(task) for task in found}, standing)


Told = list[dict[str, Any]]


def _all(rt: Runtime, batch: Callable[[Connection], tuple[str, Told, int]]) -> int:
    """Batch by batch, one transaction each; one log line for each task."""
    done = 0
    while True:
        event, told, locked = rt.database.transact(batch)
        for row in told:
            logs.event("human_task", event=event, run_id=str(row["run_id"]), task_id=str(row["task_id"]))
        done += len(told)
        if locked < BATCH:
            return done


def _remind(db: Connection) -> tuple[str, Told, int]:
    ids = sla.late(db, REMIND_AT, untold="reminder", limit=BATCH)
    return "reminder", sla.tell(db, ids, "reminder", actor=ACTOR), len(ids)


def _escalate(db: Connection) -> tuple[str, Told, int]:
    """Its role keeps the task; the event, and the alert, show it to supervisors."""
    ids = sla.late(db, 1.0, untold="overdue", limit=BATCH)
    told = sla.tell(db, ids, "overdue", actor=ACTOR)
    sla.tell(db, ids, "escalated", actor=ACTOR, role=ESCALATED_TO)
    return "overdue", told, len(ids)


def _return(db: Connection) -> tuple[str, Told, int]:
    told = sla.return_claims(db, lease_seconds=CLAIM_SECONDS, actor=ACTOR, limit=BATCH)
    return "claim returned", told, len(told)
