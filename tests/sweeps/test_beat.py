"""Beat sleeps until a sweep is due: it starts each in its turn and looks no oftener than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery.beat import ScheduleEntry
from celery.schedules import schedule
from celery.utils.imports import symbol_by_name

import celeryconfig
from tasks.celery import app

A_LOOK_SECONDS = 0.0001  # what a look takes
LOOKS = 100


def test_beat_looks_no_oftener_than_a_sweep_is_due(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    started: list[datetime] = []
    every = schedule(2.0, nowfun=lambda: at, app=app)
    entries = {"timers": ScheduleEntry(name="timers", task="t", schedule=every, last_run_at=at, app=app)}

    class Beat(symbol_by_name(celeryconfig.beat_scheduler)):  # type: ignore[misc]
        schedule, producer = entries, None

        def apply_async(self, *_: Any, **__: Any) -> None:
            started.append(at)

    beat = Beat(app=app, schedule_filename=str(tmp_path / "schedule"), lazy=True)
    for _ in range(LOOKS):
        at += timedelta(seconds=beat.tick() + A_LOOK_SECONDS)

    assert len(started) >= LOOKS // 4
    assert started[-1] - started[0] <= timedelta(seconds=2.02 * (len(started) - 1))
