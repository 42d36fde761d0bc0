"""What the alert rules read of runs: plain values of one moment, ages in seconds, computed in database time.

The law: a look costs as much as is in work or wrong, not as much as is parked. Runs in work are found by their partial
indexes. A parked run spends neither time nor tokens, so all of them are looked through only now and then, by slices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.lifecycle import WAITS_FOR_OTHERS, Status
from app.store.clock import NOW, lasted
from app.store.database import Connection
from app.store.rows import literals


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """A run. active: since its start, less its waits for people and documents. still: since its last move."""

    id: UUID
    subject: str
    state: str
    status: Status
    waiting_reason: str | None
    active_seconds: float
    still_seconds: float
    expected_seconds: float | None
    tokens: int
    token_budget: int | None
    tokens_raised: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """What makes a run worth judging by the rules named; a person asked less than `recent_seconds` ago counts as in work,
    and one who became late within them."""

    rules: Sequence[str]
    human_wait_seconds: float
    times_expected: float
    times_budget: float
    recent_seconds: float

    @property
    def params(self) -> dict[str, Any]:
        return {
            "rules": list(self.rules),
            "human_wait": self.human_wait_seconds,
            "times_expected": self.times_expected,
            "times_budget": self.times_budget,
            "recent": self.recent_seconds,
        }


_ACTIVE = f"""(extract(epoch FROM {NOW} - r.created_at)::float8 - r.waited_seconds
    - CASE WHEN r.status IN ({literals(WAITS_FOR_OTHERS)}) THEN {lasted("r.updated_at")} ELSE 0 END)"""
_RUN = f"""SELECT r.id, r.subject, r.state, r.status, r.waiting_reason, r.expected_seconds, r.token_budget, r.tokens_raised,
    r.tokens_in + r.tokens_out AS tokens, {_ACTIVE} AS active_seconds, {lasted("r.updated_at")} AS still_seconds"""
_SUSPICIOUS = f"""r.finished_at IS NULL AND (r.status IN ('FAILED_RETRIABLE', 'DEAD_LETTER')
    OR (r.status = 'WAITING_FOR_HUMAN' AND r.updated_at < {NOW} - make_interval(secs => %(human_wait)s))
    OR r.tokens_in + r.tokens_out > %(times_budget)s * r.token_budget + r.tokens_raised
    OR {_ACTIVE} > %(times_expected)s * r.expected_seconds)
  AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.run_id = r.id AND a.resolved_at IS NULL AND a.rule = ANY (%(rules)s))"""
_READY = f"{_RUN} FROM runs r WHERE r.status = 'READY' AND {_SUSPICIOUS} LIMIT %(limit)s"
_GIVEN = f"{_RUN} FROM runs r WHERE r.id = ANY (%(ids)s) AND {_SUSPICIOUS} LIMIT %(limit)s"
# In work, with the parents that wait for it and pay for its tokens; each looked up by its id, as LIMIT leaves no other way.
_RUNNING = """
WITH RECURSIVE running AS (
    SELECT id, parent_run_id FROM runs WHERE status IN ('RUNNING', 'SUSPECTED_DEAD')
    UNION SELECT p.id, p.parent_run_id FROM running CROSS JOIN LATERAL
        (SELECT id, parent_run_id FROM runs WHERE id = running.parent_run_id LIMIT 1) p
) SELECT id FROM running"""
# By jumps along the index of open tasks; its second column is then read off for one role at a time.
_ROLES = """
WITH RECURSIVE found AS (
    (SELECT role FROM human_tasks WHERE status = 'OPEN' ORDER BY role LIMIT 1)
    UNION ALL
    SELECT next.role FROM found CROSS JOIN LATERAL
        (SELECT t.role FROM human_tasks t WHERE t.status = 'OPEN' AND t.role > found.role ORDER BY t.role LIMIT 1) next
) SELECT role FROM found"""
_UNTOLD = """status = 'OPEN' AND role = %(role)s AND NOT EXISTS (SELECT 1 FROM alerts a
    WHERE a.run_id = t.run_id AND a.resolved_at IS NULL AND a.rule = ANY (%(rules)s))"""
# Asked too long ago since a moment. Those that all turns have missed since are found when all runs are gone through.
_ASKED_LONG_AGO = f"""SELECT run_id AS id FROM human_tasks t WHERE {_UNTOLD}
  AND created_at < {NOW} - make_interval(secs => %(human_wait)s)
  AND created_at > {NOW} - make_interval(secs => %(human_wait)s + %(recent)s) ORDER BY role, created_at LIMIT %(limit)s"""
_ASKED_LATELY = f"""SELECT run_id AS id FROM human_tasks t WHERE {_UNTOLD}
  AND created_at > {NOW} - make_interval(secs => %(recent)s) ORDER BY role DESC, created_at DESC LIMIT %(limit)s"""
_SLICE = f"{_RUN} FROM (SELECT * FROM runs WHERE id > %(after)s ORDER BY id LIMIT %(size)s) r WHERE {_SUSPICIOUS}"
_NOT_ENDED = f"{_RUN} FROM runs r WHERE r.id = ANY (%(ids)s) AND r.finished_at IS NULL"


def in_work(db: Connection, suspicion: Suspicion, limit: int) -> list[RunFacts]:
    """Runs in work, or a person's to do, that look wrong and have no alert of the rules yet."""
    params = {**suspicion.params, "limit": limit}
    ids = {row["id"] for row in db.execute(_RUNNING).fetchall()}
    for role in [row["role"] for row in db.execute(_ROLES).fetchall()]:
        for query in (_ASKED_LONG_AGO, _ASKED_LATELY):
            ids |= {row["id"] for row in db.execute(query, {**params, "role": role}).fetchall()}
    return _read(db, _READY, params) + _read(db, _GIVEN, {**params, "ids": list(ids)})


def slice_after(db: Connection, suspicion: Suspicion, after: UUID, size: int) -> tuple[list[RunFacts], UUID | None]:
    """The next runs by id: those that look wrong and have no alert of the rules yet, and where to go on, if anywhere."""
    last = db.execute("SELECT id FROM runs WHERE id > %s ORDER BY id OFFSET %s LIMIT 1", [after, size - 1]).fetchone()
    return _read(db, _SLICE, {**suspicion.params, "after": after, "size": size}), last["id"] if last else None


def not_ended(db: Connection, run_ids: Sequence[UUID]) -> list[RunFacts]:
    """Those of these runs that have not ended."""
    return _read(db, _NOT_ENDED, {"ids": list(run_ids)})


def _read(db: Connection, query: str, params: Mapping[str, Any]) -> list[RunFacts]:
    return [RunFacts(**{**row, "status": Status(row["status"])}) for row in db.execute(query, params).fetchall()]
