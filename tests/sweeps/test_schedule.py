"""Beat, the sweeps and what idle workers look for name the same duties, at the same intervals."""

from __future__ import annotations

import celeryconfig
from app.settings import settings
from app.sweeps import SWEEPS, periods
from tasks.celery import app


def test_beat_the_sweeps_and_their_periods_agree() -> None:
    assert set(celeryconfig.beat_schedule) == set(SWEEPS) == set(periods(settings()))
    for name, every in periods(settings()).items():
        assert celeryconfig.beat_schedule[name]["schedule"] == every, name


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    for entry in celeryconfig.beat_schedule.values():
        assert entry["task"] in app.tasks
