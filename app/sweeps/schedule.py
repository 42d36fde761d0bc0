"""How often each sweep runs: the one list that beat, idle workers, alerts and `/healthz` go by."""

from __future__ import annotations

from app.settings import Settings


def periods(settings: Settings) -> dict[str, float]:
    """How often each sweep runs, in seconds, by its name."""
    return {
        "heartbeats": settings.heartbeats_seconds,
        "dispatch": settings.dispatch_seconds,
        "timers": settings.timers_seconds,
        "human_tasks": settings.tasks_seconds,
        "actions": settings.actions_seconds,
        "alerts": settings.alerts_seconds,
        "retention": settings.retention_seconds,
    }
