"""The work of a worker, done in the test's own process."""

from __future__ import annotations

from typing import Any

from app.engine.runtime import Runtime
from app.engine.step.step import run_step

_READY = "SELECT id, step_seq, workflow, state FROM runs WHERE status = 'READY' ORDER BY id"


def work_off(rt: Runtime) -> None:
    """Run every READY step until there is none."""

    def ready() -> list[dict[str, Any]]:
        return rt.database.transact(lambda db: db.execute(_READY).fetchall())

    while runs := ready():
        for run in runs:
            run_step(rt, run["id"], run["step_seq"], workflow=run["workflow"], state=run["state"])
