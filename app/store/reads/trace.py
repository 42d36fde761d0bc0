"""The trace of a run: everything it did, saw and was told, read from the `trace` view. There is no second copy.

Entries are ordered by time, then by kind and number, so that what one commit wrote keeps its order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.store import rows
from app.store.database import Connection

Place = tuple[datetime, int, int]
_CALLS_PER_STEP = 100_000  # how the view numbers a checkpoint: step_seq * 100000 + call_seq
_CHECKPOINTS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceEntry:
    """Something that happened to a run. kind: transition, start, step, tool, model, local, human, signal or alert.

    at, rank and n are its place among the others.
    """

    at: datetime
    rank: int
    n: int
    kind: str
    step: str | None
    step_seq: int | None
    name: str | None
    status: str | None
    actor: str | None
    detail: str | None
    input: Any
    output: Any
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None

    @property
    def seq(self) -> int:
        """Its number within its kind; of a checkpoint the call_seq."""
        return self.n % _CALLS_PER_STEP if self.rank == _CHECKPOINTS else self.n


_COLUMNS = ", ".join(TraceEntry.__dataclass_fields__)
_TRACE = f"SELECT {_COLUMNS} FROM trace WHERE run_id = %(id)s ORDER BY at, rank, n"
_FIRST = f"SELECT {_COLUMNS} FROM trace WHERE run_id = %(id)s ORDER BY at, rank, n LIMIT %(limit)s"
_BEHIND = f"""
SELECT {_COLUMNS} FROM trace WHERE run_id = %(id)s AND (at, rank, n) > (%(at)s, %(rank)s, %(n)s)
ORDER BY at, rank, n LIMIT %(limit)s"""


def of_run(db: Connection, run_id: UUID) -> list[TraceEntry]:
    """The whole history of a run."""
    return _read(db, _TRACE, {"id": run_id})


def page(db: Connection, run_id: UUID, *, behind: Place | None, limit: int) -> list[TraceEntry]:
    """Up to `limit` entries of it, behind the place of one."""
    if behind is None:
        return _read(db, _FIRST, {"id": run_id, "limit": limit})
    at, rank, n = behind
    return _read(db, _BEHIND, {"id": run_id, "at": at, "rank": rank, "n": n, "limit": limit})


def _read(db: Connection, query: str, params: dict[str, Any]) -> list[TraceEntry]:
    found = rows.every(db, TraceEntry, query, params)
    return [replace(entry, input=restore(entry.input), output=restore(entry.output)) for entry in found]
