"""How the database is asked what time has passed. The law: no duty stops because the clock was set back.

A start, a look or a report that lies in the future was written before the clock stepped back: nobody knows how long ago,
so its next one is due now (`passed`, `silence`). What is counted from a moment, a worker's ping or a lease, is first set to
now where it lies in the future (`restart`), and counts from there. Only what is a time of day in itself (`wake_at`,
`expires_at`, `due_at`) follows the clock.

A step forward looks like silence: every ping and every lease is as old as the step. Only somebody who compares the
database's clock with one of its own can tell (`app.engine.clock`); `note_step` then moves both along.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.canonical import canonical
from app.core.lifecycle import HELD
from app.store.database import Connection
from app.store.rows import literals

NOW = "(SELECT app_now())"
BARE = "app_now()"
"""For the guard of an UPDATE: who waited for another's lock compares the new row with the time after it, not before."""
ROW = "clock"  # a row of `sweeps` that is no sweep of beat's: the last step of the clock that was noticed
_BATCH = 1000


def now(db: Connection) -> datetime:
    """The database's time, by which all of the product goes: ages are counted from it, never from this machine's clock."""
    row = db.execute("SELECT app_now() AS at").fetchone()
    assert row is not None
    at: datetime = row["at"]
    return at


def passed(moment: str, seconds: str, now: str = NOW) -> str:
    """SQL: these seconds have passed since a moment, or it lies in the future."""
    return f"({moment} <= {now} - make_interval(secs => {seconds}) OR {moment} > {now})"


def within(moment: str, seconds: str, now: str = NOW) -> str:
    """SQL: a moment of the last seconds. One in the future is none."""
    return f"({moment} > {now} - make_interval(secs => {seconds}) AND {moment} <= {now})"


def silence(moment: str) -> str:
    """SQL: the seconds since something was last done, without end if that lies in the future."""
    return f"(CASE WHEN {moment} > {NOW} THEN 'infinity' ELSE extract(epoch FROM {NOW} - {moment}) END)::float8"


def lasted(moment: str) -> str:
    """SQL: the seconds something has lasted, none if it began in the future."""
    return f"(CASE WHEN {moment} > {NOW} THEN 0 ELSE extract(epoch FROM {NOW} - {moment}) END)::float8"


_FROM_THE_FUTURE = {
    "workers": """UPDATE workers SET pinged_at = least(pinged_at, app_now()), started_at = least(started_at, app_now())
        WHERE gone_at IS NULL AND greatest(pinged_at, started_at) > app_now()""",
    # A lease begins anew, as long as it was.
    "leases": f"""UPDATE runs SET deadline_at = app_now() + (deadline_at - updated_at), updated_at = app_now() WHERE id IN (
        SELECT id FROM runs WHERE status IN ({literals(HELD)}) AND updated_at > app_now()
        LIMIT {_BATCH} FOR NO KEY UPDATE SKIP LOCKED)""",
    "ready": f"""UPDATE runs SET ready_at = app_now() WHERE id IN (
        SELECT id FROM runs WHERE status = 'READY' AND queue = %(queue)s AND ready_at > {NOW}
        LIMIT {_BATCH} FOR NO KEY UPDATE SKIP LOCKED)""",
    "claims": f"""UPDATE human_tasks SET claimed_at = app_now() WHERE id IN (
        SELECT id FROM human_tasks WHERE status = 'OPEN' AND claimed_at > {NOW} LIMIT {_BATCH} FOR NO KEY UPDATE SKIP LOCKED)""",
}


def restart(db: Connection, what: str, params: dict[str, Any] | None = None) -> int:
    """Count from now what lies in the future of "workers", "leases", "ready" (of a `queue`) or "claims"; how many rows."""
    return db.execute(_FROM_THE_FUTURE[what], params or {}).rowcount


@dataclass(frozen=True, slots=True)
class Step:
    """The clock was set by so many seconds, back if negative, shortly before `at` by its new time."""

    at: datetime
    seconds: float

    def forward_since(self, moment: datetime) -> float:
        """By how much a moment only looks older than it is."""
        return self.seconds if self.seconds > 0 and (self.at - moment).total_seconds() > self.seconds / 2 else 0.0

    def back_since(self, moment: datetime) -> float:
        """By how much a moment may be older than it looks: it cannot be told whether one that the new clock meets again was before."""
        return -self.seconds if self.seconds < 0 and (moment - self.at).total_seconds() <= -self.seconds else 0.0


def last_step(db: Connection) -> Step | None:
    """The last step of the clock that was noticed, if any was."""
    row = db.execute("SELECT last_started_at AS at, counts FROM sweeps WHERE name = %s", [ROW]).fetchone()
    return Step(row["at"], float(row["counts"]["seconds"])) if row else None


def note_step(db: Connection, seconds: float, *, noticed_within: float) -> bool:
    """Keep that the clock was set, and move along what a step forward makes look old; False if somebody did so just now."""
    with db.transaction():
        noted = _note(db, seconds, noticed_within)
        if noted and seconds > 0:
            _shift(db, seconds)
    return noted


def _note(db: Connection, seconds: float, noticed_within: float) -> bool:
    row = db.execute(
        f"""INSERT INTO sweeps (name, last_started_at, counts) VALUES (%(row)s, app_now(), %(counts)s::jsonb)
            ON CONFLICT (name) DO UPDATE SET last_started_at = excluded.last_started_at, counts = excluded.counts
            WHERE {passed("sweeps.last_started_at", "%(within)s", BARE)} OR sign((sweeps.counts->>'seconds')::float8) <> sign(%(seconds)s)
            RETURNING name""",
        {"row": ROW, "counts": canonical({"seconds": seconds}), "within": noticed_within, "seconds": seconds},
    ).fetchone()
    return row is not None


def _shift(db: Connection, seconds: float) -> None:
    """Pings and leases from before a step forward are as young after it as they were. Those after it are left alone."""
    params = {"by": seconds}
    db.execute(
        """UPDATE workers SET pinged_at = pinged_at + make_interval(secs => %(by)s)
           WHERE gone_at IS NULL AND pinged_at < app_now() - make_interval(secs => %(by)s / 2)""",
        params,
    )
    db.execute(
        f"""UPDATE runs SET deadline_at = deadline_at + make_interval(secs => %(by)s),
               updated_at = updated_at + make_interval(secs => %(by)s)
           WHERE id IN (SELECT id FROM runs WHERE status IN ({literals(HELD)})
                        AND updated_at < app_now() - make_interval(secs => %(by)s / 2) ORDER BY id FOR NO KEY UPDATE)""",
        params,
    )
