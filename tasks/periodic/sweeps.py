"""One Celery task per sweep, on beat's schedule. Beat may be dead or many: see `app.sweeps`."""

from __future__ import annotations

from app.sweeps import SWEEPS, run
from tasks.celery import app
from tasks.wiring import process_runtime


def _register(name: str) -> None:
    @app.task(name=f"longhaul.sweep.{name}", ignore_result=True, shared=False)
    def sweep() -> None:
        run(process_runtime(), name, asked_by_beat=True)


for _name in SWEEPS:
    _register(_name)
