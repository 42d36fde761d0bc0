"""What the alert rules read of the engine itself: plain values of one moment, ages in seconds, in database time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from app.store import rows
from app.store.clock import lasted, silence, within
from app.store.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepFacts:
    """A sweep. None: it never has; without end: the clock was set back since."""

    name: str
    begun_seconds: float | None
    finished_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerFacts:
    """A worker process. silent: since its last ping. gone: since a sweep gave it up; None while it is thought alive.

    clock_ahead_seconds: how far its host's clock was ahead of the database's at its last ping. cannot_read: the hosts
    whose documents it cannot read.
    """

    id: UUID
    host: str
    pid: int
    queues: tuple[str, ...]
    stopping: bool
    age_seconds: float
    silent_seconds: float
    gone_seconds: float | None
    clock_ahead_seconds: float | None = None
    cannot_read: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionFacts:
    """An executed action that the other side disputes, or has not confirmed for `seconds`."""

    id: UUID
    run_id: UUID
    claim: str
    purpose: str
    payee: str
    amount: Decimal
    currency: str
    disputed: bool
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedFacts:
    """A kind of refused messages: how many of it came in its last spell, and how long ago the last."""

    what: str
    queue: str
    reason: str
    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """The engine at one moment. ready: by queue, since when the oldest run is READY. breakers: open ones, since when.

    dead_letters: of the last quarter of an hour; dead_letters_before: of the 24 hours before that.
    """

    sweeps: Sequence[SweepFacts] = ()
    workers: Sequence[WorkerFacts] = ()
    ready: Mapping[str, float] = field(default_factory=dict)
    dead_letters: int = 0
    dead_letters_before: int = 0
    breakers: Mapping[str, float] = field(default_factory=dict)
    actions: Sequence[ActionFacts] = ()
    refused: Sequence[RefusedFacts] = ()


# The oldest of each queue by jumps along the index of ready runs, however many are ready.
_READY = f"""
WITH RECURSIVE oldest AS (
    (SELECT queue, ready_at FROM runs WHERE status = 'READY' ORDER BY queue, ready_at LIMIT 1)
    UNION ALL
    SELECT next.queue, next.ready_at FROM oldest CROSS JOIN LATERAL (SELECT queue, ready_at FROM runs
        WHERE status = 'READY' AND queue > oldest.queue ORDER BY queue, ready_at LIMIT 1) next
) SELECT queue, {lasted("ready_at")} AS seconds FROM oldest"""
_SWEEPS = f"""SELECT name, {silence("last_started_at")} AS begun_seconds, {silence("last_finished_at")} AS finished_seconds
FROM sweeps"""
# Those that left in order are `stopping`; of those given up only the last hour is news.
_WORKERS = f"""SELECT id, host, pid, queues, stopping, {lasted("started_at")} AS age_seconds,
    {lasted("pinged_at")} AS silent_seconds, {lasted("gone_at")} AS gone_seconds,
    clock_ahead_seconds, cannot_read
FROM workers WHERE gone_at IS NULL OR (NOT stopping AND gone_at > (SELECT app_now()) - interval '1 hour')"""
_DEAD_LETTERS = f"""SELECT count(*) FILTER (WHERE {within("created_at", "900")}) AS late,
    count(*) FILTER (WHERE created_at <= (SELECT app_now()) - interval '15 minutes') AS before
FROM dead_letters WHERE created_at > (SELECT app_now()) - interval '24 hours 15 minutes'"""
_BREAKERS = f"""SELECT name, coalesce({lasted("opened_at")}, 0) AS seconds FROM downstreams
WHERE breaker <> 'closed'
  AND coalesce(probe_at, opened_at) > (SELECT app_now()) - interval '15 minutes'"""  # nobody has asked for it since: no news

_ACTIONS = f"""SELECT id, run_id, claim, purpose, payee, amount, currency, status = 'DISPUTED' AS disputed,
    {lasted("executed_at")} AS seconds
FROM actions WHERE (status = 'DISPUTED' AND dispute_closed_at IS NULL)
    OR (status = 'EXECUTED' AND confirmation IS NULL AND executed_at < (SELECT app_now()) - interval '1 hour')
ORDER BY executed_at LIMIT 100"""

# Of a moment in the future nobody knows how long ago it was: the clock was set back since.
_REFUSED = f"""SELECT what, queue, reason, spell_count AS count, {silence("last_at")} AS seconds
FROM refused_messages ORDER BY last_at DESC"""


def engine(db: Connection) -> EngineFacts:
    """All there is to know about the engine itself."""
    letters = db.execute(_DEAD_LETTERS).fetchone() or {"late": 0, "before": 0}
    return EngineFacts(
        sweeps=rows.every(db, SweepFacts, _SWEEPS),
        workers=[
            WorkerFacts(**{**row, "queues": tuple(row["queues"]), "cannot_read": tuple(row["cannot_read"])})
            for row in db.execute(_WORKERS).fetchall()
        ],
        ready=ready(db),
        dead_letters=letters["late"],
        dead_letters_before=letters["before"],
        breakers={row["name"]: row["seconds"] for row in db.execute(_BREAKERS).fetchall()},
        actions=rows.every(db, ActionFacts, _ACTIONS),
        refused=refused(db),
    )


def ready(db: Connection) -> dict[str, float]:
    """By queue, since when its oldest run is READY."""
    return {row["queue"]: row["seconds"] for row in db.execute(_READY).fetchall()}


def refused(db: Connection) -> list[RefusedFacts]:
    """The kinds of messages that were refused, the last seen first; there are few."""
    return rows.every(db, RefusedFacts, _REFUSED)
