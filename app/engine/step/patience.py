"""How long a step may be parked without spending an attempt: while its downstream asks for patience, or an outcome is too
fresh to judge. The law: up to the `give_up` age of its state's retry policy, counted from when it got no further.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.core.errors import Throttled
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.core.workflow import State
from app.store.runs.steps import Checkpoint


def patience_left(state: State, journal: Sequence[Checkpoint], now: datetime) -> float:
    """Seconds until the step's `give_up` age, at which it is tried once more: a downstream may ask for a year."""
    since = _parked_since(journal)
    parked = 0.0 if since is None else (now - since).total_seconds()
    return state.retry.give_up_seconds - parked


def _parked_since(journal: Sequence[Checkpoint]) -> datetime | None:
    """Since when the step gets no further: its open call's intent, or the first time it was sent away before there was one."""
    if open_calls := [
        row
        for row in journal[1:]
        if row.status is not CheckpointStatus.COMPLETE and row.kind is not CheckpointKind.WAIT
    ]:
        return open_calls[0].created_at
    last_begun = max((row.intent_at for row in journal[1:] if row.intent_at is not None), default=None)
    times = [at for error in journal[0].errors if (at := _parked_at(error)) is not None]
    return min((at for at in times if last_begun is None or at > last_begun), default=None)


def _parked_at(error: object) -> datetime | None:
    """When an error of a step's row sent it away; None for one of another kind."""
    if not isinstance(error, dict) or not str(error.get("error", "")).startswith(Throttled.__name__):
        return None
    at = error.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None
