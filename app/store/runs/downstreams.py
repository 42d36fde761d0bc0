"""Downstreams: permits to call one, and what calls taught about it. What is decided is decided in `app/store/sql/downstreams.sql`."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.declarations.limits import Limit, held_up_by
from app.core.lifecycle import WAKES
from app.store import rows
from app.store.clock import lasted
from app.store.database import Connection
from app.store.runs.moves import Statement
from app.store.runs.steps import Place

_TAKE = """SELECT granted, probe, why, wait_seconds FROM take_permit(%(name)s, %(id)s, %(step_seq)s, %(call_seq)s, %(token)s,
    %(rate)s::float8, %(burst)s, %(concurrency)s::int, %(seconds)s::float8)"""
_REPORT = """SELECT report_downstream(%(name)s, %(what)s, %(seconds)s::float8, %(failures)s, %(window)s::float8,
    %(cooldown)s::float8) AS breaker"""
_GIVE_BACK = """DELETE FROM permits WHERE run_id = %(id)s AND step_seq = %(step_seq)s AND call_seq = %(call_seq)s
  AND lease_token = %(token)s"""
_PROBE_ANEW = "UPDATE downstreams SET probe_until = NULL WHERE name = %(name)s AND breaker = 'half-open'"
_STANDING = f"""SELECT name, breaker, rate_per_second, concurrency, failures,
    (SELECT count(*) FROM permits p WHERE p.downstream = d.name) AS under_way,
    {lasted("opened_at")} AS open_seconds,
    greatest(0, extract(epoch FROM greatest(not_before, probe_at) - app_now()))::float8 AS held_seconds
FROM downstreams d ORDER BY name"""

# Who was sent away comes again by the time the last one was booked for; a little later, as it was written down a little later.
# So these stand in front of the index of what is due, and however many wait, no more than `most` are looked at.
_HELD_UP = f"""SELECT waiting_reason, count(*) AS runs FROM (
    SELECT status, waiting_reason FROM runs
    WHERE status IN ({rows.literals(WAKES)}) AND (wake_at IS NOT NULL OR expires_at IS NOT NULL)
      AND least(wake_at, expires_at)
          <= (SELECT max(booked_until + make_interval(secs => 5 + 1 / coalesce(rate_per_second, 20))) FROM downstreams)
    ORDER BY least(wake_at, expires_at) LIMIT %(most)s) soon
WHERE status = 'WAITING_FOR_TIMER' AND waiting_reason IS NOT NULL GROUP BY waiting_reason"""
_LIMITS = "SELECT name, rate_per_second, concurrency FROM downstreams WHERE name = ANY (%(names)s)"
MOST_HELD_UP = 10_000  # what is more is told as "more than"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a call may be made. probe: it is the one that finds out whether the downstream is back."""

    granted: bool
    probe: bool
    why: str | None
    wait_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A downstream as it stands: its limits, failures in a row, calls under way, how long its breaker is open.

    held_seconds: for how long no call goes to it.
    """

    name: str
    breaker: str
    rate_per_second: float | None
    concurrency: int | None
    failures: int
    under_way: int
    open_seconds: float | None
    held_seconds: float | None


def take(db: Connection, place: Place, limit: Limit, seconds: float) -> Answer:
    """A permit for the call at `place`, which takes at most `seconds`; or why not, and when to ask again."""
    row = db.execute(
        _TAKE,
        place.params()
        | {
            "name": limit.name,
            "rate": limit.rate,
            "burst": limit.burst,
            "concurrency": limit.concurrency,
            "seconds": seconds,
        },
    ).fetchone()
    assert row is not None
    return Answer(row["granted"], row["probe"], row["why"], row["wait_seconds"])


def give_back(place: Place) -> Statement:
    """The permit of a call that has ended; part of its result's commit."""
    return f"{_GIVE_BACK} RETURNING run_id", place.params()


def unused(db: Connection, place: Place, limit: Limit, *, probe: bool) -> None:
    """The permit of a call that was not made. After a `probe` that was none, the next caller probes."""
    db.execute(_GIVE_BACK, place.params())
    if probe:
        db.execute(_PROBE_ANEW, {"name": limit.name})


def report(db: Connection, limit: Limit, what: str, seconds: float = 0.0) -> str:
    """Tell everyone what a call taught: "answered", "failed", or "patience" for `seconds`. The breaker as it stands then."""
    row = db.execute(
        _REPORT,
        {
            "name": limit.name,
            "what": what,
            "seconds": seconds,
            "failures": limit.failures,
            "window": limit.window,
            "cooldown": limit.cooldown,
        },
    ).fetchone()
    assert row is not None
    breaker: str = row["breaker"]
    return breaker


def standing(db: Connection) -> list[Standing]:
    """Every downstream that was ever called under a limit, as it stands."""
    return rows.every(db, Standing, _STANDING)


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingLimit:
    """A limit that holds runs up now. why: RATE or CONCURRENCY of `app.core.declarations.limits`. runs: how many wait for it."""

    downstream: str
    why: str
    rate_per_second: float | None
    concurrency: int | None
    runs: int


def binding(db: Connection) -> list[BindingLimit]:
    """The limits that hold runs up now, those with most runs first; counted up to MOST_HELD_UP + 1 of all runs together."""
    found = {
        by: row["runs"]
        for row in db.execute(_HELD_UP, {"most": MOST_HELD_UP + 1}).fetchall()
        if (by := held_up_by(row["waiting_reason"]))
    }
    if not found:
        return []
    limits = {row["name"]: row for row in db.execute(_LIMITS, {"names": [name for name, _ in found]}).fetchall()}
    return [
        BindingLimit(
            downstream=name,
            why=why,
            rate_per_second=limits[name]["rate_per_second"],
            concurrency=limits[name]["concurrency"],
            runs=runs,
        )
        for (name, why), runs in sorted(found.items(), key=lambda item: (-item[1], item[0]))
        if name in limits
    ]
