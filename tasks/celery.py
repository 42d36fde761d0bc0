"""The Celery app and its life: settings from `celeryconfig`, one runtime per process, liveness from first to last breath."""

from __future__ import annotations

from celery import Celery

app = Celery("longhaul")
app.config_from_object("celeryconfig")
