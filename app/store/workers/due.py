"""What sweeps look for. The law: statuses are literals in the texts (`literals`), so that each query is given its partial index.

`(SELECT app_now())` in a WHERE clause, because the bare volatile call cannot use an index. No `ORDER BY id … LIMIT`
where few rows are looked for among many: the planner may walk the primary key until it has met enough of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.core.lifecycle import HELD, WAKES
from app.core.run import Run
from app.store import rows
from app.store.clock import BARE, passed, silence
from app.store.database import Connection
from app.store.rows import literals
from app.store.runs.runs import COLUMNS, as_run

_DUE = f"""
SELECT {COLUMNS}, least(wake_at, expires_at) AS at, coalesce(wake_at <= (SELECT app_now()), false) AS is_due,
       coalesce(expires_at <= (SELECT app_now()), false) AS has_expired
FROM runs
WHERE status IN ({literals(WAKES)})
  AND (wake_at IS NOT NULL OR expires_at IS NOT NULL) AND least(wake_at, expires_at) <= (SELECT app_now())
  AND least(wake_at, expires_at) >= %(since)s AND id <> ALL (%(but)s)
ORDER BY least(wake_at, expires_at) LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"""
_MISSED_SIGNALS = f"""
SELECT {COLUMNS} FROM runs WHERE id = ANY (ARRAY(SELECT DISTINCT run_id FROM signals WHERE consumed_step_seq IS NULL LIMIT 10000))
  AND status = 'WAITING_FOR_EVENT' AND pending_events <> '{{}}'
  AND EXISTS (SELECT 1 FROM unnest(pending_events) AS e WHERE routes ? e) LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"""
_READY = """
SELECT r.id, r.step_seq, r.workflow, r.state, r.queue FROM unnest(%(queues)s::text[]) AS q(name) CROSS JOIN LATERAL (
    SELECT id, step_seq, workflow, state, queue FROM runs
    WHERE status = 'READY' AND queue = q.name AND ready_at < (SELECT app_now()) - make_interval(secs => %(older)s)
    ORDER BY ready_at LIMIT %(limit)s) r"""
# By jumps along the index of ready runs, however many are ready.
_READY_QUEUES = """
WITH RECURSIVE found AS (
    (SELECT queue FROM runs WHERE status = 'READY' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT next.queue FROM found CROSS JOIN LATERAL
        (SELECT queue FROM runs WHERE status = 'READY' AND queue > found.queue ORDER BY queue LIMIT 1) next
) SELECT queue FROM found"""
_OF_WORKER = f"""
SELECT {COLUMNS} FROM runs WHERE status IN ({literals(HELD)}) AND worker_id = %(worker)s
ORDER BY updated_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"""
_OVERDUE = f"""
SELECT {COLUMNS} FROM runs WHERE status IN ({literals(HELD)})
  AND deadline_at < (SELECT app_now()) - make_interval(secs => %(grace)s)
ORDER BY deadline_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"""
# Two that begin at once: the second waits for the first's row, and compares with the time after it.
_BEGUN = f"""INSERT INTO sweeps (name, last_started_at) VALUES (%(name)s, app_now())
ON CONFLICT (name) DO UPDATE SET last_started_at = app_now() WHERE {passed("sweeps.last_started_at", "%(half)s", BARE)}"""
# Rows of `sweeps` that are no sweeps of beat's: see `app.sweeps.watch`. A look for processes that have ended keeps no other waiting.
LOOKS, ENDS = "looks", "ends"
BEAT, BEAT_SECONDS = (
    "beat",
    10.0,
)  # a row that is none either: when a message of beat's was last taken; how often it is noted


ALWAYS = datetime(1, 1, 1, tzinfo=UTC)  # before any moment


@dataclass(frozen=True, slots=True)
class Due:
    """A waiting run whose time came `at` that moment: its timer is due, or its wait has expired, or both."""

    run: Run
    at: datetime
    is_due: bool
    has_expired: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A step that waits for a worker."""

    id: UUID
    step_seq: int
    workflow: str
    state: str
    queue: str


def timers(db: Connection, limit: int, *, since: datetime = ALWAYS, but: Sequence[UUID] = ()) -> list[Due]:
    """Waiting runs whose time has come, those due the longest first, locked. `since`: from that due moment on; `but`: all except these.

    Who asks again and again says where it was: the entries of those that were woken stand in the index for a while.
    """
    rows = db.execute(_DUE, {"limit": limit, "since": since, "but": list(but)}).fetchall()
    return [Due(as_run(row), row["at"], row["is_due"], row["has_expired"]) for row in rows]


def missed_signals(db: Connection, limit: int) -> list[Run]:
    """Runs that wait for a signal which is already there."""
    return [as_run(row) for row in db.execute(_MISSED_SIGNALS, {"limit": limit}).fetchall()]


def ready(db: Connection, queues: Sequence[str], *, older_seconds: float, limit: int) -> list[Ready]:
    """The oldest READY runs of each of these queues, unlocked: ringing twice does no harm."""
    return rows.every(db, Ready, _READY, {"queues": list(queues), "older": older_seconds, "limit": limit})


def ready_queues(db: Connection) -> list[str]:
    """The queues in which runs are READY."""
    return [row["queue"] for row in db.execute(_READY_QUEUES).fetchall()]


def leased_by(db: Connection, worker: UUID, limit: int) -> list[Run]:
    """The runs a worker holds, locked."""
    return [as_run(row) for row in db.execute(_OF_WORKER, {"worker": worker, "limit": limit}).fetchall()]


def count_leased_by(db: Connection, worker: UUID) -> int:
    """How many runs a worker holds."""
    row = db.execute(
        "SELECT count(*) AS n FROM runs WHERE status = 'RUNNING' AND worker_id = %(worker)s", {"worker": worker}
    ).fetchone()
    return row["n"] if row else 0


def past_deadline(db: Connection, *, grace_seconds: float, limit: int) -> list[Run]:
    """Runs in work past their step's deadline, locked."""
    return [as_run(row) for row in db.execute(_OVERDUE, {"grace": grace_seconds, "limit": limit}).fetchall()]


def suspected(db: Connection, limit: int) -> list[Run]:
    """Runs left in SUSPECTED_DEAD by a sweeper that died between its two moves, locked; one at work needs no help."""
    rows = db.execute(
        f"""SELECT {COLUMNS} FROM runs WHERE status = 'SUSPECTED_DEAD' AND {passed("updated_at", "5", BARE)}
            ORDER BY updated_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED""",
        {"limit": limit},
    ).fetchall()
    return [as_run(row) for row in rows]


def begin_sweep(db: Connection, name: str, every_seconds: float) -> bool:
    """Note that a sweep begins; False if another sweeper began it within half its period."""
    row = db.execute(
        f"{_BEGUN} RETURNING name",
        {"name": name, "half": every_seconds / 2},
    ).fetchone()
    return row is not None


def end_sweep(db: Connection, name: str, counts: str) -> None:
    """Note that a sweep is done, and what it did."""
    db.execute("UPDATE sweeps SET last_finished_at = app_now(), counts = %s::jsonb WHERE name = %s", [counts, name])


def stop_at(db: Connection, name: str, place: str) -> None:
    """Note how far a sweep has come that goes on another time; empty: it begins anew."""
    db.execute(
        """INSERT INTO sweeps (name, last_started_at, counts) VALUES (%(name)s, app_now(), jsonb_build_object('place', %(place)s::text))
           ON CONFLICT (name) DO UPDATE SET counts = excluded.counts""",
        {"name": name, "place": place},
    )


def stopped_at(db: Connection, name: str) -> str | None:
    """How far a sweep had come that has not ended since, if it noted that."""
    row = db.execute("SELECT counts->>'place' AS place FROM sweeps WHERE name = %s", [name]).fetchone()
    return row["place"] if row else None


def heard_beat(db: Connection) -> None:
    """Note that a message of beat's came, unless that was noted a moment ago."""
    db.execute(
        _BEGUN,
        {"name": BEAT, "half": BEAT_SECONDS / 2},
    )


def begin_look(db: Connection, every_seconds: float, *, of: str = LOOKS) -> bool:
    """Note that somebody looks for workers that are gone; False if somebody did less than `every_seconds` ago.

    Asked by every process every second: where it is not due, this reads one row, locks none and writes nothing.
    """
    row = db.execute(
        f"""UPDATE sweeps SET last_started_at = app_now()
            WHERE name = %(name)s AND {passed("last_started_at", "%(every)s", BARE)} RETURNING name""",
        {"name": of, "every": every_seconds},
    ).fetchone()
    return row is not None


def never_looked(db: Connection) -> None:
    """Make the rows that `begin_look` updates, if there are none yet."""
    made = (
        "INSERT INTO sweeps (name, last_started_at) VALUES (%s, 'epoch'), (%s, 'epoch') ON CONFLICT (name) DO NOTHING"
    )
    db.execute(made, [LOOKS, ENDS])


def overdue_sweeps(db: Connection, periods: dict[str, float]) -> Sequence[str]:
    """The sweeps that have not begun for twice their period; one that never ran counts from the oldest living worker's start."""
    rows = db.execute(
        f"""SELECT s.name, {silence("s.last_started_at")} AS age, oldest.age AS never
            FROM (SELECT {silence("min(started_at)")} AS age FROM workers WHERE gone_at IS NULL) oldest LEFT JOIN sweeps s ON true"""
    ).fetchall()
    ages: dict[str, float] = {row["name"]: row["age"] for row in rows}
    never: float = rows[0]["never"] if rows[0]["never"] is not None else float("inf")
    return [name for name, every in periods.items() if ages.get(name, never) > 2 * every]
