"""What a state that is entered anew after a doubt takes over from the step before it.

What is copied is decided in `app/store/sql/carried.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core import entered
from app.core.canonical import restore
from app.store.database import Connection

_STEP = "SELECT input, created_at FROM checkpoints WHERE run_id = %s AND step_seq = %s AND call_seq = 0"
# For a doubt from before its route said how far: up to the last tool's call, whichever tool it was.
_LAST = """SELECT coalesce(max(call_seq), 0) AS n FROM checkpoints
WHERE run_id = %s AND step_seq = %s AND call_seq > 0 AND kind = 'tool' AND status = 'COMPLETE'"""


def anew(db: Connection, run_id: UUID, step_seq: int, *, through: int | None) -> dict[str, Any]:
    """What the cause says when the state of a step is entered anew with its calls up to `through`."""
    row = db.execute(_STEP, [run_id, step_seq]).fetchone()
    assert row is not None, "a doubt is of a step that was entered"
    received: Mapping[str, Any] = restore(row["input"]) or {}
    if through is None:
        last = db.execute(_LAST, [run_id, step_seq]).fetchone()
        through = last["n"] if last else 0
    return entered.anew(received, step_seq=step_seq, entered_at=row["created_at"].isoformat(), through=through)


def carry_over(db: Connection, run_id: UUID) -> int:
    """Give the step a run has just entered anew the calls its cause names; how many."""
    row = db.execute("SELECT carry_calls_over(%s) AS n", [run_id]).fetchone()
    assert row is not None
    carried: int = row["n"]
    return carried
