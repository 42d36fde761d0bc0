"""One run: found as people name it, read whole with what belongs to it; and how many runs stand where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.errors import BadInput, NotFound
from app.store.database import Connection
from app.store.reads import finding

_LISTED = """id, workflow, workflow_version, subject, state, status, waiting_reason, wake_at, expires_at, attempt,
    queue, tokens_in, tokens_out, cost, created_at, updated_at, finished_at, parent_run_id, children_left,
    extract(epoch FROM coalesce(finished_at, app_now()) - created_at)::float8 AS age_seconds"""
_COUNTS = "SELECT status, count(*) AS n FROM runs WHERE parent_run_id IS NULL GROUP BY status"

_ONE = f"""
SELECT {_LISTED}, step_seq, worker_id, ready_at, deadline_at, pending_events, pause_requested, cancel_requested,
    irreversible_since, crash_attempts, late_retries, expected_seconds, waited_seconds, token_budget, tokens_reserved,
    unpriced_calls, parent_step_seq, forked_from, transition_seq,
    (SELECT data FROM run_data d WHERE d.run_id = runs.id) AS data
FROM runs WHERE id = %(id)s"""
_CHILDREN = (
    f"SELECT {_LISTED}, parent_step_seq FROM runs WHERE parent_run_id = %(id)s ORDER BY parent_step_seq, subject"
)


def find(db: Connection, text: str) -> UUID:
    """The run a person means by whatever they have of it: `app.store.reads.finding`.

    Raises NotFound, or BadInput naming the runs it could be.
    """
    rows = finding.find_all(db, text)
    if not rows and finding.is_id(text):
        raise NotFound(f"there is no run {text.strip()}")
    if not rows:
        raise NotFound(f"no run has the id or subject {text.strip()!r}; `longhaul runs` lists the newest")
    if len(rows) > 1:
        could = "; ".join(f"{row.run_id} ({row.workflow} {row.subject}, {row.status})" for row in rows[:5])
        raise BadInput(f"{text.strip()!r} could be any of these runs, give an id: {could}")
    return rows[0].run_id


def counts(db: Connection) -> dict[str, int]:
    """How many root runs stand in each status."""
    return {row["status"]: row["n"] for row in db.execute(_COUNTS).fetchall()}


def one(db: Connection, run_id: UUID) -> dict[str, Any]:
    """A run with its data, as it is now. Raises NotFound."""
    row = db.execute(_ONE, {"id": run_id}).fetchone()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row | {"data": restore(row["data"])}


def children(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """All child runs a run ever started."""
    return db.execute(_CHILDREN, {"id": run_id}).fetchall()
