"""Read models of runs: find one as people name it, list many, read one whole. Nothing here writes.

The law: every list is bounded, ordered newest first and continued by a key, so it costs the same on page one and
page thousand. Ids of root runs ascend with time, so the primary key is that order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.errors import BadInput, NotFound
from app.core.lifecycle import Status
from app.store.database import Connection

_SHORTEST_PREFIX = 4
_HEX = re.compile(r"[0-9a-f]+")

_NAMED = "id, workflow, subject, status, (parent_run_id IS NULL AND forked_from IS NULL) AS is_root"
_BY_SUBJECT = f"SELECT {_NAMED} FROM runs WHERE subject = %(text)s ORDER BY is_root DESC, id DESC LIMIT 6"
_BY_PREFIX = f"SELECT {_NAMED} FROM runs WHERE id BETWEEN %(low)s AND %(high)s ORDER BY id DESC LIMIT 6"

_LISTED = """id, workflow, workflow_version, subject, state, status, waiting_reason, wake_at, expires_at, attempt,
    queue, tokens_in, tokens_out, cost, created_at, updated_at, finished_at, parent_run_id, children_left,
    extract(epoch FROM coalesce(finished_at, app_now()) - created_at)::float8 AS age_seconds"""
_PAGE = f"""
SELECT {_LISTED} FROM runs
WHERE (%(status)s::text[] IS NULL OR status = ANY (%(status)s)) AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
  AND (%(subject)s::text IS NULL OR starts_with(subject, %(subject)s))
  AND (%(before)s::uuid IS NULL OR id < %(before)s) AND {{of}}
ORDER BY id DESC LIMIT %(limit)s"""
_ROOTS = _PAGE.replace("{of}", "parent_run_id IS NULL")
_OF_PARENT = _PAGE.replace("{of}", "parent_run_id = %(parent)s")
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
_ALERTS = """
SELECT id, rule, subject, message, detail, opened_at, resolved_at
FROM alerts WHERE run_id = %(id)s ORDER BY opened_at"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which runs to list. `subject` is a beginning of it; `parent`: its children, else root runs."""

    status: Sequence[Status] = ()
    state: str | None = None
    workflow: str | None = None
    subject: str | None = None
    parent: UUID | None = None


def find(db: Connection, text: str) -> UUID:
    """The run a person means by an id, a unique beginning of one (four digits or more), a task id, or a subject.

    Raises NotFound, or BadInput naming the runs it could be.
    """
    text = text.strip()
    if exact := _as_id(text):
        if db.execute("SELECT 1 AS one FROM runs WHERE id = %s", [exact]).fetchone():
            return exact
        raise NotFound(f"there is no run {exact}")
    rows = db.execute(_BY_SUBJECT, {"text": text}).fetchall()
    if not rows and (span := _span(text)):
        rows = db.execute(_BY_PREFIX, {"low": span[0], "high": span[1]}).fetchall()
    # A subject means the run it was given to, before a child or a fork that carries the same one.
    rows = [row for row in rows if row["is_root"]] or rows
    if not rows:
        raise NotFound(f"no run has the id or subject {text!r}; `longhaul runs` lists the newest")
    if len(rows) > 1:
        could = "; ".join(f"{row['id']} ({row['workflow']} {row['subject']}, {row['status']})" for row in rows[:5])
        raise BadInput(f"{text!r} could be any of these runs, give an id: {could}")
    found: UUID = rows[0]["id"]
    return found


def _as_id(text: str) -> UUID | None:
    """A whole id, or the id at the beginning of a task id (`<run_id>.<STATE>.<step_seq>`)."""
    try:
        return UUID(text.split(".", maxsplit=1)[0])
    except ValueError:
        return None


def _span(text: str) -> tuple[UUID, UUID] | None:
    """The least and the greatest id that begin with `text`."""
    digits = text.lower().replace("-", "")
    if not (_SHORTEST_PREFIX <= len(digits) < 32 and _HEX.fullmatch(digits)):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def page(db: Connection, wanted: Wanted, *, limit: int = 50, before: UUID | None = None) -> list[dict[str, Any]]:
    """Up to `limit` runs, newest first, older than the run `before`."""
    params = {
        "status": [status.value for status in wanted.status] or None,
        "state": wanted.state,
        "workflow": wanted.workflow,
        "subject": wanted.subject,
        "parent": wanted.parent,
        "before": before,
        "limit": limit,
    }
    return db.execute(_OF_PARENT if wanted.parent else _ROOTS, params).fetchall()


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


def alerts(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """The alerts about a run, oldest first; open ones have no `resolved_at`."""
    return db.execute(_ALERTS, {"id": run_id}).fetchall()


def now(db: Connection) -> datetime:
    """The database's time, by which all of the product goes."""
    row = db.execute("SELECT app_now() AS at").fetchone()
    assert row is not None
    at: datetime = row["at"]
    return at
