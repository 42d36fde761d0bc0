"""The trace of a run: everything it did, saw and was told, read from the `trace` view. There is no second copy.

Entries are ordered by time, then by kind and number, so that what one commit wrote keeps its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.store.database import Connection

_CALLS_PER_STEP = 100_000  # how the view numbers a checkpoint: step_seq * 100000 + call_seq
_CHECKPOINTS = 2

_TRACE = """
SELECT at, rank, n, kind, step, step_seq, name, status, actor, detail, input, output, latency_ms, tokens_in, tokens_out
FROM trace WHERE run_id = %(id)s ORDER BY at, rank, n"""


def of_run(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """The whole history of a run.

    Each entry: at, kind (transition, start, step, tool, model, local, human, signal, alert), seq (its number within
    its kind; of a checkpoint the call_seq), step, step_seq, name, status, actor, detail, input, output, latency_ms,
    tokens_in, tokens_out.
    """
    return [_entry(row) for row in db.execute(_TRACE, {"id": run_id}).fetchall()]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    number = row["n"] % _CALLS_PER_STEP if row["rank"] == _CHECKPOINTS else row["n"]
    entry = {"at": row["at"], "kind": row["kind"], "seq": number}
    entry |= {name: row[name] for name in ("step", "step_seq", "name", "status", "actor", "detail")}
    entry |= {name: restore(row[name]) for name in ("input", "output")}
    return entry | {name: row[name] for name in ("latency_ms", "tokens_in", "tokens_out")}
