"""Any past moment of a run, rebuilt from transitions and checkpoints alone.

The law: nothing is read that could have been overwritten since. State and status are those of the last transition at
or before the moment; the data is the latest written by then: by the start, by a step that changed it, or by a person
whose correction entered a step. It agrees with what `runs` and `run_data` held at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.lifecycle import Status
from app.store.database import Connection

_STOOD = """
SELECT seq, created_at, event, actor, reason, to_state, to_status, step_seq, attempt FROM transitions
WHERE run_id = %(id)s AND created_at <= %(at)s ORDER BY seq DESC LIMIT 1"""
_AFTER = """
SELECT seq, created_at, event, actor, reason, to_state, to_status, step_seq, attempt FROM transitions
WHERE run_id = %(id)s AND seq = %(seq)s"""

# A step's data and a person's correction of it never share a step_seq; of one step the output is the later word. Their
# order is that of the steps, not of the clock, which may be set back between two of them.
_HELD = """
SELECT data FROM (
    SELECT step_seq, 1 AS word, output -> 'data' AS data FROM checkpoints
    WHERE run_id = %(id)s AND kind IN ('start', 'step') AND (step_seq < %(step_seq)s OR completed_at <= %(at)s)
      AND completed_at IS NOT NULL AND output -> 'data' IS NOT NULL
    UNION ALL
    SELECT step_seq, 0, input -> 'cause' -> 'data' FROM checkpoints
    WHERE run_id = %(id)s AND kind = 'step' AND input -> 'cause' -> 'data' IS NOT NULL
) AS written WHERE step_seq <= %(step_seq)s ORDER BY step_seq DESC, word DESC LIMIT 1"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where a run stood. `since` is the time of its last transition by then, the other words are of that transition.

    `data` is None only if it was erased since.
    """

    run_id: UUID
    at: datetime
    since: datetime
    state: str
    status: Status
    step_seq: int
    attempt: int
    transition_seq: int
    event: str
    actor: str
    reason: str | None
    data: Any


def stood_at(db: Connection, run_id: UUID, at: datetime) -> Moment | None:
    """The run as it stood at `at`; None if it had not begun."""
    row = db.execute(_STOOD, {"id": run_id, "at": at}).fetchone()
    return _moment(db, run_id, at, row) if row else None


def stood_after(db: Connection, run_id: UUID, seq: int) -> Moment | None:
    """The run as it stood after its transition of this number; None if it has none. Two of them may be of one moment."""
    row = db.execute(_AFTER, {"id": run_id, "seq": seq}).fetchone()
    return _moment(db, run_id, row["created_at"], row) if row else None


def _moment(db: Connection, run_id: UUID, at: datetime, row: Mapping[str, Any]) -> Moment:
    held = db.execute(_HELD, {"id": run_id, "at": at, "step_seq": row["step_seq"]}).fetchone()
    return Moment(
        run_id=run_id,
        at=at,
        since=row["created_at"],
        state=row["to_state"],
        status=Status(row["to_status"]),
        step_seq=row["step_seq"],
        attempt=row["attempt"],
        transition_seq=row["seq"],
        event=row["event"],
        actor=row["actor"],
        reason=row["reason"],
        data=restore(held["data"]) if held else None,
    )
