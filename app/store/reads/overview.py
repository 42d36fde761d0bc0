"""What the overview reads: the state of everything at one moment, and the last day by slots of five minutes.

The law: a look costs what is at work, wrong or recent, not what there is: every query is found by an index and counts no
further than MOST. What has to be read whole (runs by status) is not here; `app.web.overview.glancing` says how seldom that is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.lifecycle import EventKind
from app.store import rows
from app.store.database import Connection
from app.store.reads import glance

MOST = 10_000  # what is more is told as "more than"
SLOT_SECONDS = 300
DAY_SLOTS = 86_400 // SLOT_SECONDS
BINS_PER_DOUBLING = 8  # durations are counted in classes, each 9 % wider than the one before
# A step has done its work when it hands its run on; failed attempts, hand-backs and deaths say nothing of its usual length.
_DONE = [
    event.value
    for event in (
        EventKind.STEP_FINISHED,
        EventKind.WAITS_FOR_HUMAN,
        EventKind.WAITS_FOR_EVENT,
        EventKind.WAITS_FOR_TIMER,
        EventKind.WAITS_FOR_CHILDREN,
        EventKind.CHILDREN_ENDED,
        EventKind.ENDED,
    )
]

# The oldest of each queue, by jumps along the index of ready runs.
_READY = """
WITH RECURSIVE oldest AS (
    (SELECT queue, id, ready_at FROM runs WHERE status = 'READY' ORDER BY queue, ready_at LIMIT 1)
    UNION ALL
    SELECT next.queue, next.id, next.ready_at FROM oldest CROSS JOIN LATERAL (SELECT queue, id, ready_at FROM runs
        WHERE status = 'READY' AND queue > oldest.queue ORDER BY queue, ready_at LIMIT 1) next
) SELECT o.queue, o.id, r.subject, r.state, extract(epoch FROM app_now() - o.ready_at)::float8 AS seconds
FROM oldest o JOIN runs r ON r.id = o.id ORDER BY o.ready_at LIMIT %(limit)s"""
_READY_COUNT = "SELECT count(*) AS n FROM (SELECT 1 FROM runs WHERE status = 'READY' LIMIT %(most)s) few"
_BUSY = """SELECT worker_id AS id, count(*) AS n FROM runs
WHERE status IN ('RUNNING', 'SUSPECTED_DEAD') AND worker_id IS NOT NULL GROUP BY worker_id"""

# Role by role along the index of open tasks.
_TASKS = """
WITH RECURSIVE roles AS (
    (SELECT role FROM human_tasks WHERE status = 'OPEN' ORDER BY role LIMIT 1)
    UNION ALL
    SELECT next.role FROM roles CROSS JOIN LATERAL
        (SELECT role FROM human_tasks WHERE status = 'OPEN' AND role > roles.role ORDER BY role LIMIT 1) next
)
SELECT roles.role, day.n AS day, two.n AS two_days, more.n AS longer, oldest.id, oldest.title, oldest.seconds
FROM roles,
LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM human_tasks WHERE status = 'OPEN' AND role = roles.role
    AND created_at > (SELECT app_now()) - interval '24 hours' LIMIT %(most)s) f) day,
LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM human_tasks WHERE status = 'OPEN' AND role = roles.role
    AND created_at > (SELECT app_now()) - interval '48 hours' AND created_at <= (SELECT app_now()) - interval '24 hours'
    LIMIT %(most)s) f) two,
LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM human_tasks WHERE status = 'OPEN' AND role = roles.role
    AND created_at <= (SELECT app_now()) - interval '48 hours' LIMIT %(most)s) f) more,
LATERAL (SELECT id, title, extract(epoch FROM app_now() - created_at)::float8 AS seconds FROM human_tasks
    WHERE status = 'OPEN' AND role = roles.role ORDER BY created_at LIMIT 1) oldest
ORDER BY roles.role"""

_ALERT_COUNTS = "SELECT rule, count(*) AS n FROM alerts WHERE resolved_at IS NULL GROUP BY rule ORDER BY n DESC, rule"
_LETTERS = """SELECT
    (SELECT count(*) FROM (SELECT 1 FROM dead_letters WHERE closed_at IS NULL LIMIT %(most)s) f) AS open,
    (SELECT count(*) FROM dead_letters WHERE created_at > (SELECT app_now()) - interval '1 hour') AS hour,
    (SELECT count(*) FROM dead_letters WHERE created_at > (SELECT app_now()) - interval '25 hours'
        AND created_at <= (SELECT app_now()) - interval '1 hour') AS day_before"""
_OPEN_LETTERS = """SELECT d.run_id, r.subject, d.state, d.reason, d.created_at FROM dead_letters d JOIN runs r ON r.id = d.run_id
WHERE d.closed_at IS NULL ORDER BY d.created_at DESC LIMIT %(limit)s"""

_MODEL_CALLS = (
    """kind = 'model' AND created_at >= date_trunc('day', (SELECT app_now()) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"""
)
_MODELS = f"""SELECT coalesce(model, 'not named') AS model, count(*) AS calls, coalesce(sum(tokens_in), 0)::bigint AS tokens_in,
    coalesce(sum(tokens_out), 0)::bigint AS tokens_out, coalesce(sum(cost), 0) AS cost,
    count(*) FILTER (WHERE cost IS NULL AND tokens_in + tokens_out > 0) AS unpriced
FROM checkpoints WHERE {_MODEL_CALLS} GROUP BY 1 ORDER BY calls DESC, 1"""
# A child's tokens are its parent's: the budget stands there.
_BUDGETS = f"""
WITH today AS MATERIALIZED (
    SELECT coalesce(r.parent_run_id, r.id) AS id, sum(coalesce(c.tokens_in, 0) + coalesce(c.tokens_out, 0)) AS used
    FROM (SELECT run_id, tokens_in, tokens_out FROM checkpoints WHERE {_MODEL_CALLS}) c
    CROSS JOIN LATERAL (SELECT id, parent_run_id FROM runs WHERE id = c.run_id OFFSET 0) r GROUP BY 1
) SELECT count(*) AS runs, coalesce(sum(t.used), 0)::bigint AS used, coalesce(sum(r.token_budget), 0)::bigint AS budget,
    count(*) FILTER (WHERE r.tokens_in + r.tokens_out > r.token_budget) AS over
FROM today t CROSS JOIN LATERAL (SELECT token_budget, tokens_in, tokens_out FROM runs WHERE id = t.id OFFSET 0) r"""

# OFFSET 0 keeps the planner from joining whole tables: a slot has few rows, found one by one.
_RECENT = """t.created_at >= to_timestamp(%(from)s * 300.0) AND t.created_at < to_timestamp(%(to)s * 300.0)"""
_SLOT = "floor(extract(epoch FROM t.created_at) / 300)::bigint AS slot"
_STEPS = f"""
SELECT {_SLOT}, r.workflow, r.workflow_version AS version, t.from_state AS state, t.from_status AS status,
    floor(ln(greatest(extract(epoch FROM t.created_at - p.created_at)::float8, 0.001)) * {BINS_PER_DOUBLING} / ln(2))::int AS bin,
    count(*) AS n
FROM transitions t
CROSS JOIN LATERAL (SELECT created_at FROM transitions WHERE run_id = t.run_id AND seq = t.seq - 1 OFFSET 0) p
CROSS JOIN LATERAL (SELECT workflow, workflow_version FROM runs WHERE id = t.run_id OFFSET 0) r
WHERE {_RECENT} AND t.from_status IN ('RUNNING', 'WAITING_FOR_CHILDREN') AND t.event = ANY (%(done)s)
GROUP BY 1, 2, 3, 4, 5, 6"""
_FLOW = f"""
SELECT {_SLOT}, count(*) FILTER (WHERE t.event = 'started') AS started,
    count(*) FILTER (WHERE t.to_status IN ('COMPLETE', 'FAILED', 'CANCELLED')) AS ended
FROM transitions t CROSS JOIN LATERAL (SELECT parent_run_id FROM runs WHERE id = t.run_id OFFSET 0) r
WHERE {_RECENT} AND (t.event = 'started' OR t.to_status IN ('COMPLETE', 'FAILED', 'CANCELLED')) AND r.parent_run_id IS NULL
GROUP BY 1"""
_LETTER_SLOTS = f"SELECT {_SLOT}, count(*) AS n FROM dead_letters t WHERE {_RECENT} GROUP BY 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyRun:
    """The oldest READY run of a queue, and since when."""

    queue: str
    id: UUID
    subject: str
    state: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingForRole:
    """How many tasks wait for a role: for less than a day (day), for one to two (two_days), and longer; and the oldest of them."""

    role: str
    day: int
    two_days: int
    longer: int
    id: UUID
    title: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOfRule:
    """How many alerts of a rule are open."""

    rule: str
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterCounts:
    """How many dead letters are open, came in the last hour, and in the 24 hours before it."""

    open: int
    hour: int
    day_before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLetter:
    """An open dead letter."""

    run_id: UUID
    subject: str
    state: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """One moment. ready: the oldest of the queues; ready_count, tasks' counts and letters' "open" go up to MOST + 1.

    busy: how many runs are in work, by worker.
    """

    ready: Sequence[ReadyRun]
    ready_count: int
    busy: Mapping[UUID, int]
    tasks: Sequence[WaitingForRole]
    alert_counts: Sequence[OpenOfRule]
    letters: LetterCounts
    open_letters: Sequence[OpenLetter]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelUse:
    """What a model was used. unpriced: calls whose price is not known."""

    model: str
    calls: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    unpriced: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetUse:
    """What runs used of models, against their budgets together. over: how many are over theirs."""

    runs: int
    used: int
    budget: int
    over: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepsOfSlot:
    """Steps of one kind that ended in a slot and took as long as a class of durations (bin)."""

    slot: int
    workflow: str
    version: int
    state: str
    status: str
    bin: int
    n: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowOfSlot:
    """Runs started and ended in a slot."""

    slot: int
    started: int
    ended: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LettersOfSlot:
    """Dead letters of a slot."""

    slot: int
    n: int


def now(db: Connection, *, limit: int) -> Now:
    """Everything that is at work, waits for somebody or is wrong; lists hold up to `limit`."""
    params = {"limit": limit, "most": MOST + 1}
    ready = db.execute(_READY_COUNT, params).fetchone()
    return Now(
        ready=rows.every(db, ReadyRun, _READY, params),
        ready_count=ready["n"] if ready else 0,
        busy={row["id"]: row["n"] for row in db.execute(_BUSY).fetchall()},
        tasks=rows.every(db, WaitingForRole, _TASKS, params),
        alert_counts=rows.every(db, OpenOfRule, _ALERT_COUNTS),
        letters=rows.only(db, LetterCounts, _LETTERS, params),
        open_letters=rows.every(db, OpenLetter, _OPEN_LETTERS, params),
    )


def counts(db: Connection) -> dict[str, int]:
    """How many root runs stand in each status. Reads the whole table, and gives up (57014) after three seconds."""
    db.execute("SET LOCAL statement_timeout = '3s'")
    return glance.counts(db)


def spending(db: Connection) -> tuple[list[ModelUse], BudgetUse]:
    """What models used since midnight UTC: by model, and against the token budgets of the runs that used it."""
    return rows.every(db, ModelUse, _MODELS), rows.only(db, BudgetUse, _BUDGETS)


def slots(db: Connection, begin: int, end: int) -> tuple[list[StepsOfSlot], list[FlowOfSlot], list[LettersOfSlot]]:
    """Steps by duration, runs started and ended, and dead letters, in the slots begin ≤ slot < end (slots of epoch time)."""
    params = {"from": begin, "to": end, "done": _DONE}
    return (
        rows.every(db, StepsOfSlot, _STEPS, params),
        rows.every(db, FlowOfSlot, _FLOW, params),
        rows.every(db, LettersOfSlot, _LETTER_SLOTS, params),
    )
