"""The list of runs, narrowed by what people ask of it. Bounded, newest first, continued by the key of the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.store.clock import lasted
from app.store.database import Connection
from app.store.reads import finding
from app.store.reads.pages import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """What the list is narrowed to; what is empty narrows nothing.

    text: whatever finds a run (`app.store.reads.finding`), or the beginning of a subject. role: an open task waits for it.
    alert: a rule with an open alert, or "any". late: longer than expected, waits for people and events not counted.
    """

    status: str = ""
    workflow: str = ""
    version: int | None = None
    state: str = ""
    role: str = ""
    alert: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    least_tokens: int | None = None
    retried: bool = False
    late: bool = False
    before: UUID | None = None


_WORKED = "extract(epoch FROM coalesce(r.finished_at, app_now()) - r.created_at)::float8"
_WAITING = "('WAITING_FOR_HUMAN', 'WAITING_FOR_EVENT')"
# What it waited for people and events is no part of how long it was expected to take; the present wait is not yet counted.
_SPENT = f"""greatest(0, {_WORKED} - r.waited_seconds
    - CASE WHEN r.status IN {_WAITING} THEN {lasted("r.updated_at")} ELSE 0 END)"""
_RETRIES = "r.attempt - 1 + r.late_retries + r.crash_attempts"
_LIST = f"""
SELECT r.id, r.workflow, r.workflow_version, r.subject, r.state, r.status, r.waiting_reason, r.parent_run_id, r.created_at, r.updated_at,
    r.finished_at, r.expected_seconds, r.tokens_in, r.tokens_out, r.token_budget, r.cost, r.unpriced_calls,
    {_WORKED} AS age_seconds, {_SPENT} AS spent_seconds, {_RETRIES} AS retries,
    (SELECT string_agg(DISTINCT t.role, ', ') FROM human_tasks t WHERE t.run_id = r.id AND t.status = 'OPEN') AS waits_for_role,
    (SELECT string_agg(a.rule, ', ' ORDER BY a.rule) FROM alerts a WHERE a.run_id = r.id AND a.resolved_at IS NULL) AS alerts
FROM runs r
WHERE (%(status)s = '' OR r.status = %(status)s) AND (%(workflow)s = '' OR r.workflow = %(workflow)s)
  AND (%(version)s::int IS NULL OR r.workflow_version = %(version)s) AND (%(state)s = '' OR r.state = %(state)s)
  AND (%(since)s::timestamptz IS NULL OR r.created_at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR r.created_at < %(until)s)
  AND (%(least_tokens)s::bigint IS NULL OR r.tokens_in + r.tokens_out >= %(least_tokens)s)
  AND (NOT %(retried)s OR {_RETRIES} > 0) AND (NOT %(late)s OR {_SPENT} > r.expected_seconds)
  AND (%(role)s = '' OR r.id IN (SELECT t.run_id FROM human_tasks t WHERE t.status = 'OPEN' AND t.role = %(role)s))
  AND (%(alert)s = '' OR r.id IN (SELECT a.run_id FROM alerts a WHERE a.resolved_at IS NULL AND a.rule = %(alert)s)
       OR %(alert)s = 'any' AND r.id IN (SELECT a.run_id FROM alerts a WHERE a.resolved_at IS NULL))
  AND (%(before)s::uuid IS NULL OR r.id < %(before)s)
  AND CASE WHEN %(text)s = '' THEN r.parent_run_id IS NULL ELSE r.id = ANY (%(found)s::uuid[]) OR starts_with(r.subject, %(text)s) END
ORDER BY r.id DESC LIMIT %(limit)s"""


def page(db: Connection, wanted: RunFilter, *, limit: int) -> list[Row]:
    """Up to `limit` runs, newest first (their ids ascend with time); children only when they are searched for."""
    params: dict[str, Any] = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
    params["text"] = wanted.text.strip()
    params["found"] = (
        [each.run_id for each in finding.find_all(db, wanted.text, limit=200)] if wanted.text.strip() else []
    )
    return list(db.execute(_LIST, params | {"limit": limit}).fetchall())


def alert_rules(db: Connection) -> Sequence[str]:
    """The rules with an open alert."""
    rows = db.execute("SELECT DISTINCT rule FROM alerts WHERE resolved_at IS NULL ORDER BY rule").fetchall()
    return [row["rule"] for row in rows]
