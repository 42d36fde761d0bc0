"""Messages that were refused, as rows: one for each kind, with how many of it came and what the newest said.

The law: there are at most MOST_KINDS rows of refused starts and as many of refused bells, however a sender varies what
it sends; what is beyond counts into one row of its own. Moments are database time, told by their age.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.core.canonical import canonical
from app.core.ids import new_id
from app.store import rows
from app.store.clock import lasted
from app.store.database import Connection
from app.store.rows import columns

What = Literal["start", "bell"]
MOST_KINDS = 100
SAMPLES = 3
SPELL_SECONDS = 3600.0  # so long without one, and the next begins a new spell
OTHERS = "others"
_LOCK = 7_070_027  # who adds a row counts them first; nobody else adds one meanwhile


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Messages of one kind. queue: where they lay, empty if unknown. name: the task or workflow asked for.

    samples: what the newest said, a few. first_age, last_age: seconds since the first and the last of them.
    """

    fingerprint: str
    what: What
    queue: str
    name: str
    reason: str
    count: int
    samples: Sequence[Mapping[str, str]] = ()
    first_age: float = 0.0
    last_age: float = 0.0


# One look at the clock, so that the moments of a row fit together.
_MOMENTS = """(SELECT now, now - make_interval(secs => %(first_age)s) AS first, now - make_interval(secs => %(last_age)s) AS last
    FROM (SELECT app_now() AS now) clock) m"""
# Also where the last one lies in the future: the clock was set back since, nobody knows how long ago it was.
_OVER = "(r.last_at <= m.first - make_interval(secs => %(spell)s) OR r.last_at > m.now)"
_AGAIN = f"""
UPDATE refused_messages r SET count = count + %(count)s, reason = %(reason)s, first_at = least(r.first_at, m.first),
    last_at = greatest(least(r.last_at, m.now), m.last),
    spell_count = CASE WHEN {_OVER} THEN 0 ELSE spell_count END + %(count)s,
    spell_at = CASE WHEN {_OVER} THEN m.first ELSE least(r.spell_at, m.first) END,
    samples = (SELECT coalesce(jsonb_agg(newest.said ORDER BY newest.n), '[]') FROM (
        SELECT said, n FROM jsonb_array_elements(%(samples)s::jsonb || samples) WITH ORDINALITY AS e (said, n)
        ORDER BY n LIMIT {SAMPLES}) newest)
FROM {_MOMENTS} WHERE fingerprint = %(fingerprint)s"""
_FIRST = f"""
INSERT INTO refused_messages (fingerprint, id, what, queue, name, reason, samples, count, first_at, last_at, spell_count, spell_at)
SELECT %(fingerprint)s, %(id)s, %(what)s, %(queue)s, %(name)s, %(reason)s, %(samples)s::jsonb, %(count)s, m.first, m.last,
    %(count)s, m.first FROM {_MOMENTS}"""
_ROWS = "SELECT count(*) AS n FROM refused_messages WHERE what = %(what)s AND fingerprint <> %(others)s"


def others(what: What) -> str:
    """The fingerprint of what is of too many kinds."""
    return f"{OTHERS}.{what}"


def note(db: Connection, found: Sequence[Refused]) -> None:
    """Write how many of some kinds were refused. In a transaction; who does so at the same time waits."""
    db.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    for kind in found:
        params = _params(kind)
        if db.execute(_AGAIN, params).rowcount:
            continue
        if kind.fingerprint != others(kind.what) and _is_full(db, kind.what):
            params |= {"fingerprint": others(kind.what), "queue": "", "name": OTHERS}
            if db.execute(_AGAIN, params).rowcount:
                continue
        db.execute(_FIRST, params)


def _is_full(db: Connection, what: What) -> bool:
    row = db.execute(_ROWS, {"what": what, "others": others(what)}).fetchone()
    return row is not None and row["n"] >= MOST_KINDS


def _params(kind: Refused) -> dict[str, Any]:
    return {
        "fingerprint": kind.fingerprint,
        "id": new_id(),
        "what": kind.what,
        "queue": kind.queue,
        "name": kind.name,
        "reason": kind.reason,
        "samples": canonical(list(kind.samples[:SAMPLES])),
        "count": kind.count,
        "first_age": kind.first_age,
        "last_age": kind.last_age,
        "spell": SPELL_SECONDS,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A row: the messages of one kind, with their number since `first_at`, and since `spell_at` with no hour between two."""

    id: UUID
    fingerprint: str
    what: What
    queue: str
    name: str
    reason: str
    samples: Sequence[Mapping[str, str]]
    count: int
    first_at: datetime
    last_at: datetime
    spell_count: int
    spell_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing(Kind):
    """A kind, last seen `seconds` ago."""

    seconds: float


_KIND = columns(Kind)


def kinds(db: Connection, *, behind: UUID | None = None, limit: int) -> list[Kind]:
    """The kinds, the newest first: an order that stays while they are counted on."""
    return rows.every(
        db,
        Kind,
        f"""SELECT {_KIND} FROM refused_messages WHERE %(id)s::uuid IS NULL OR id < %(id)s
            ORDER BY id DESC LIMIT %(limit)s""",
        {"id": behind, "limit": limit},
    )


def standing(db: Connection) -> list[Standing]:
    """All kinds, the last seen first."""
    return rows.every(
        db, Standing, f"SELECT {_KIND}, {lasted('last_at')} AS seconds FROM refused_messages ORDER BY last_at DESC, id"
    )
