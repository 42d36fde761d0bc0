"""One run: found as people name it, and read whole; and how many runs stand where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.errors import BadInput, NotFound
from app.store import rows
from app.store.database import Connection
from app.store.reads import finding


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDetail:
    """A run as it is now, without its data. age_seconds: since its start, up to its end. last_event, last_actor, last_reason:
    of its last move, and since when it stands so. The other fields are columns of `runs`.
    """

    id: UUID
    workflow: str
    workflow_version: int
    subject: str
    state: str
    status: str
    waiting_reason: str | None
    wake_at: datetime | None
    expires_at: datetime | None
    attempt: int
    queue: str
    tokens_in: int
    tokens_out: int
    cost: Decimal
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    parent_run_id: UUID | None
    children_left: int
    step_seq: int
    worker_id: UUID | None
    ready_at: datetime | None
    deadline_at: datetime | None
    pending_events: list[str]
    pause_requested: bool
    cancel_requested: bool
    irreversible_since: datetime | None
    crash_attempts: int
    late_retries: int
    expected_seconds: float | None
    waited_seconds: float
    token_budget: int | None
    tokens_reserved: int
    unpriced_calls: int
    parent_step_seq: int | None
    forked_from: UUID | None
    transition_seq: int
    age_seconds: float
    last_event: str
    last_actor: str
    last_reason: str | None
    since: datetime


_COMPUTED = {
    "age_seconds": "extract(epoch FROM coalesce(r.finished_at, app_now()) - r.created_at)::float8",
    "last_event": "t.event",
    "last_actor": "t.actor",
    "last_reason": "t.reason",
    "since": "t.created_at",
}
_ONE = f"""
SELECT {", ".join(f"{_COMPUTED.get(name, f'r.{name}')} AS {name}" for name in RunDetail.__dataclass_fields__)}
FROM runs r JOIN transitions t ON t.run_id = r.id AND t.seq = r.transition_seq WHERE r.id = %s"""
_COUNTS = "SELECT status, count(*) AS n FROM runs WHERE parent_run_id IS NULL GROUP BY status"


def find(db: Connection, text: str) -> UUID:
    """The run a person means by whatever they have of it: `app.store.reads.finding`.

    Raises NotFound, or BadInput naming the runs it could be.
    """
    found = finding.find_all(db, text)
    if not found and finding.is_id(text):
        raise NotFound(f"there is no run {text.strip()}")
    if not found:
        raise NotFound(f"no run has the id or subject {text.strip()!r}; `longhaul runs` lists the newest")
    if len(found) > 1:
        could = "; ".join(f"{run.run_id} ({run.workflow} {run.subject}, {run.status})" for run in found[:5])
        raise BadInput(f"{text.strip()!r} could be any of these runs, give an id: {could}")
    return found[0].run_id


def read(db: Connection, run_id: UUID) -> RunDetail | None:
    """A run as it is now."""
    return rows.first(db, RunDetail, _ONE, [run_id])


def one(db: Connection, run_id: UUID) -> RunDetail:
    """A run as it is now. Raises NotFound."""
    run = read(db, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


def counts(db: Connection) -> dict[str, int]:
    """How many root runs stand in each status."""
    return {row["status"]: row["n"] for row in db.execute(_COUNTS).fetchall()}
