"""One named Celery task per state of every workflow: `insurance_claim.EXTRACTING_DATA`. Each asks the engine, no more."""

from __future__ import annotations

from typing import Any

from app.application import workflows
from app.core.errors import BadInput
from app.core.ids import parse_run_id, task_name
from app.engine.step.step import run_step
from app.settings import settings
from app.telemetry import logs
from tasks import refusals
from tasks.celery import app
from tasks.wiring import process_runtime


def _register(workflow: str, state: str) -> None:
    name = task_name(workflow, state)

    @app.task(name=name, ignore_result=True, bind=True, shared=False, Request="tasks.local:Request")
    def step(self: Any, run_id: Any = None, step_seq: Any = None, *_: Any, **__: Any) -> None:
        try:
            asked = parse_run_id(str(run_id)), int(step_seq)
        except (BadInput, TypeError, ValueError) as problem:
            queue = (self.request.delivery_info or {}).get("routing_key")
            refusals.count("bell", queue=queue, name=name, reason=problem, said={"task": name, "id": self.request.id})
            logs.event("bell_refused", reason=str(problem), task=name)
            return
        run_step(process_runtime(), *asked, workflow=workflow, state=state)


for _name, _state in {(w.name, s.name) for w in workflows(settings()) for s in w.states}:
    _register(_name, _state)
