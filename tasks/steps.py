"""One named Celery task per state of every workflow: `insurance_claim.EXTRACTING_DATA`. Each asks the engine, no more."""

from __future__ import annotations

from typing import Any

from app.core.errors import BadInput
from app.core.ids import parse_run_id, task_name
from app.engine.step import run_step
from app.telemetry import logs
from tasks.celery import app
from tasks.wiring import process_runtime
from workflows import WORKFLOWS


def _register(workflow: str, state: str) -> None:
    @app.task(name=task_name(workflow, state), ignore_result=True, shared=False)
    def step(run_id: Any = None, step_seq: Any = None, *_: Any, **__: Any) -> None:
        try:
            asked = parse_run_id(str(run_id)), int(step_seq)
        except (BadInput, TypeError, ValueError) as problem:
            logs.event("bell_refused", reason=str(problem), task=task_name(workflow, state))
            return
        run_step(process_runtime(), *asked, workflow=workflow, state=state)


for _name, _state in {(w.name, s.name) for w in WORKFLOWS for s in w.states}:
    _register(_name, _state)
