"""Intake over the broker: jobs that enqueue runs send `longhaul.start` with the workflow, subject, data and a key.

The law: a message is not yet an accepted run; the row is. With a key, a message delivered twice is one run. What is
refused is logged with its reason, written where people see it, and not retried: it would be refused again.
"""

from __future__ import annotations

from typing import Any

from app.core.broker import INTAKE, START
from app.core.errors import LonghaulError
from app.engine import start as engine
from app.store.database import DatabaseError, is_gone
from app.telemetry import logs
from tasks import refusals
from tasks.celery import app
from tasks.wiring import process_runtime


@app.task(name=START, ignore_result=True, bind=True, shared=False)
def start(self: Any, workflow: Any = None, subject: Any = None, data: Any = None, key: Any = None) -> None:
    """Start a run from a message."""
    rt = process_runtime()
    try:
        definition = rt.workflows.newest(str(workflow))
        started = rt.database.transact(
            lambda db: engine.start(
                db, definition, subject=str(subject), data=data, key=str(key or self.request.id), actor="intake"
            )
        )
    except LonghaulError as problem:
        said = {"workflow": workflow, "subject": subject, "key": key, "id": self.request.id, "data": logs.mask(data)}
        refusals.write(rt.database, "start", queue=INTAKE, name=workflow, reason=problem, said=said)
        logs.event("start_refused", workflow=str(workflow)[:100], subject=str(subject)[:100], reason=str(problem))
        return
    except DatabaseError as problem:
        if not is_gone(problem):
            raise
        logs.event("start_postponed", subject=str(subject)[:100], reason=str(problem))
        app.send_task(START, args=(workflow, subject, data, key or self.request.id), queue=INTAKE)
        return
    engine.announce(rt.dispatcher, started)
