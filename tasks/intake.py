"""Intake over the broker: jobs that enqueue runs send `longhaul.start` with the workflow, subject, data and a key.

The law: a message is not yet an accepted run; the row is. With a key, a message delivered twice is one run. What is
refused is logged with its reason, written where people see it, and not retried: it would be refused again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import BadInput, LonghaulError
from app.core.ids import INTAKE, START
from app.engine import start as engine
from app.engine.runtime import Runtime
from app.store.database import DatabaseError, is_gone
from app.telemetry import logs
from tasks import refusals
from tasks.celery import app
from tasks.wiring import process_runtime


@app.task(name=START, ignore_result=True, bind=True, shared=False)
def start(
    self: Any, workflow: Any = None, subject: Any = None, data: Any = None, key: Any = None, *more: Any, **unknown: Any
) -> None:
    """Start a run from a message."""
    rt = process_runtime()
    said = {"workflow": workflow, "subject": subject, "key": key, "id": self.request.id}
    try:
        _check(more, unknown)
        definition = rt.workflows.newest(str(workflow))
        started = rt.database.transact(
            lambda db: engine.start(
                db, definition, subject=str(subject), data=data, key=str(key or self.request.id), actor="intake"
            )
        )
    except LonghaulError as problem:
        _refuse(rt, problem, said, data)
        return
    except DatabaseError as problem:
        if not is_gone(problem):
            _refuse(rt, problem, said, data)
            raise
        logs.event("start_postponed", subject=str(subject)[:100], reason=str(problem))
        app.send_task(START, args=(workflow, subject, data, key or self.request.id), queue=INTAKE)
        return
    except Exception as problem:  # a workflow's own code, whatever it raises
        _refuse(rt, problem, said, data)
        raise
    engine.announce(rt.dispatcher, started)


def _check(more: Sequence[Any], unknown: Mapping[str, Any]) -> None:
    if more or unknown:
        named = f", {', '.join(map(repr, sorted(unknown)[:5]))}" if unknown else ""
        raise BadInput(
            f"a start takes workflow, subject, data and key, and was given {len(more) + len(unknown)} more{named}"
        )


def _refuse(rt: Runtime, problem: Exception, said: Mapping[str, Any], data: Any) -> None:
    """Its row first: who reads the line in the log finds it."""
    told = {**said, "data": logs.mask(data)}
    refusals.write(rt.database, "start", queue=INTAKE, name=said["workflow"], reason=problem, said=told)
    logs.event(
        "start_refused", workflow=str(said["workflow"])[:100], subject=str(said["subject"])[:100], reason=str(problem)
    )
