"""Worker processes as the database knows them: registered, pinged, gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.lifecycle import HELD, EventKind
from app.store import rows
from app.store.clock import lasted
from app.store.database import Connection
from app.store.rows import literals

CLOCK_OFF_SECONDS = 30.0  # a host's clock so far from ours is wrong
_HOLDS_NOTHING = f"""NOT EXISTS (
    SELECT 1 FROM runs r WHERE r.status IN ({literals(HELD)}) AND r.worker_id = w.id)"""
# Which lock is a worker's.
_ITS_LOCK = """l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid = ((w.lock_key >> 32) & 4294967295)::bigint::oid AND l.objid = (w.lock_key & 4294967295)::bigint::oid"""
_LOCK_STANDS = f"(w.liveness = 'lock' AND EXISTS (SELECT 1 FROM pg_locks l WHERE {_ITS_LOCK})) AS lock_stands"


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker thought alive. queues: what it subscribes to, with so many slots. cannot_read: hosts whose documents it cannot read.

    clock_ahead_seconds: how far its host's clock was ahead of the database's at its last ping, `silent_seconds` ago.
    """

    id: UUID
    host: str
    pid: int
    queues: Sequence[str]
    slots: int
    stopping: bool
    started_at: datetime
    pinged_at: datetime
    clock_ahead_seconds: float | None
    cannot_read: Sequence[str]
    silent_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Leased:
    """A run that a worker holds a lease of."""

    id: UUID
    step_seq: int
    lease_token: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """A look at the lock of a worker that holds one. missing: no session holds it."""

    id: UUID
    pinged_at: datetime
    missing: bool
    silent_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A worker that says which process it is: `pid` alone is none for certain."""

    id: UUID
    pid: int
    process: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unheard:
    """A worker to be given up, as of its last ping. lock_stands: a session holds its lock all the same."""

    id: UUID
    pinged_at: datetime
    lock_stands: bool


def register(
    db: Connection,
    worker_id: UUID,
    *,
    lock_key: int,
    liveness: str,
    host: str,
    pid: int,
    queues: Sequence[str],
    slots: int,
    process: str | None = None,
) -> None:
    """A process says what it is: a new one, or one that was given up for dead, or even forgotten, and is not.

    process: which one its pid means, as others on its machine can tell; None if it cannot say.
    """
    db.execute(
        """INSERT INTO workers (id, lock_key, liveness, host, pid, process, queues, slots, started_at, pinged_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, app_now(), app_now())
           ON CONFLICT (id) DO UPDATE SET lock_key = excluded.lock_key, gone_at = NULL, pinged_at = app_now()""",
        [worker_id, lock_key, liveness, host, pid, process, list(queues), slots],
    )


def lock(db: Connection, lock_key: int) -> bool:
    """Take the process's session-level advisory lock."""
    row = db.execute("SELECT pg_try_advisory_lock(%s) AS locked", [lock_key]).fetchone()
    return bool(row and row["locked"])


def is_locked_by(db: Connection, worker_id: UUID, lock_key: int) -> None:
    """From now on it is this lock, taken before, by which others know that the process lives."""
    db.execute("UPDATE workers SET lock_key = %s WHERE id = %s", [lock_key, worker_id])


def ping(db: Connection, worker_id: UUID, *, host_clock: float) -> bool:
    """The 30 s heartbeat; False if the process was given up for dead. host_clock: what time it believes it is (Unix)."""
    row = db.execute(
        """UPDATE workers SET pinged_at = app_now(), clock_ahead_seconds = %s - extract(epoch FROM app_now())
           WHERE id = %s RETURNING gone_at""",
        [host_clock, worker_id],
    ).fetchone()
    return row is not None and row["gone_at"] is None


def stopping(db: Connection, worker_id: UUID) -> None:
    """A planned shutdown has begun: what dies with the process counts as no crash."""
    db.execute("UPDATE workers SET stopping = true WHERE id = %s", [worker_id])


def leave(db: Connection, worker_id: UUID) -> None:
    """The process ends in order. One that still holds a lease is not gone yet: the heartbeats sweep sees to its runs."""
    db.execute(
        f"UPDATE workers w SET stopping = true, gone_at = CASE WHEN {_HOLDS_NOTHING} THEN app_now() END WHERE id = %s",
        [worker_id],
    )


def owned(db: Connection, worker_id: UUID) -> list[Leased]:
    """The runs this process holds a lease of, as the database sees it."""
    return rows.every(
        db,
        Leased,
        f"SELECT id, step_seq, lease_token FROM runs WHERE status IN ({literals(HELD)}) AND worker_id = %s",
        [worker_id],
    )


def was_no_crash(db: Connection, run_id: UUID, token: UUID) -> bool:
    """A run was taken from a worker that has come back, and counted as its crash: it is counted no more.

    Only while the count is still of that lease: an attempt that ended in order has cleared it.
    """
    row = db.execute(
        """UPDATE runs SET crash_attempts = crash_attempts - 1 WHERE id = %(id)s AND crash_attempts > 0 AND EXISTS (
               SELECT 1 FROM transitions taken JOIN transitions lost ON lost.run_id = taken.run_id AND lost.seq = taken.seq + 1
               WHERE taken.run_id = %(id)s AND taken.move_id = %(token)s AND lost.event = %(lost)s AND NOT EXISTS (
                   SELECT 1 FROM transitions since WHERE since.run_id = %(id)s AND since.seq > lost.seq AND since.event <> ALL (%(on)s)))
           RETURNING id""",
        {
            "id": run_id,
            "token": token,
            "lost": EventKind.LOST,
            "on": [EventKind.LOST, EventKind.REASSIGNED, EventKind.LEASE_TAKEN],
        },
    ).fetchone()
    return row is not None


def without_lock(db: Connection) -> list[Looked]:
    """The living workers of the kind 'lock', whether or not their lock is held."""
    return rows.every(
        db,
        Looked,
        f"""SELECT w.id, w.pinged_at, (l.objid IS NULL) AS missing,
              {lasted("w.pinged_at")} AS silent_seconds
            FROM workers w LEFT JOIN pg_locks l ON {_ITS_LOCK}
            WHERE w.gone_at IS NULL AND w.liveness = 'lock'""",
    )


def on_host(db: Connection, host: str) -> list[Neighbour]:
    """The workers thought alive that are registered with this host name and say which process they are."""
    return rows.every(
        db,
        Neighbour,
        "SELECT id, pid, process FROM workers WHERE gone_at IS NULL AND host = %s AND process IS NOT NULL",
        [host],
    )


def silent(db: Connection, silent_seconds: float) -> list[Unheard]:
    """Workers that have not pinged for too long."""
    return rows.every(
        db,
        Unheard,
        f"""SELECT w.id, w.pinged_at, {_LOCK_STANDS} FROM workers w
            WHERE w.gone_at IS NULL AND w.pinged_at < (SELECT app_now()) - make_interval(secs => %s)""",
        [silent_seconds],
    )


def unheard_since(db: Connection, worker_id: UUID, pinged_at: datetime) -> bool:
    """Whether a worker has not pinged since then; if so its next ping waits until this transaction ends."""
    row = db.execute(
        "SELECT id FROM workers WHERE id = %s AND pinged_at = %s FOR NO KEY UPDATE", [worker_id, pinged_at]
    ).fetchone()
    return row is not None


def gone_with_leases(db: Connection) -> list[Unheard]:
    """Workers given up that hold a lease all the same: taken in the moment between the verdict and their next ping."""
    return rows.every(
        db,
        Unheard,
        f"""SELECT w.id, w.pinged_at, {_LOCK_STANDS} FROM workers w WHERE w.gone_at IS NOT NULL AND w.id IN (
                SELECT r.worker_id FROM runs r WHERE r.status IN ({literals(HELD)}) AND r.worker_id IS NOT NULL)""",
    )


def give_up(db: Connection, worker_id: UUID, pinged_at: datetime) -> bool:
    """Mark a worker as gone, if it has not pinged since then and every run was taken from it; False if not, or again.

    A run whose row was locked at that moment was skipped: once its worker is gone, nobody would look for it.
    """
    row = db.execute(
        f"""UPDATE workers w SET gone_at = app_now()
            WHERE id = %s AND gone_at IS NULL AND pinged_at = %s AND {_HOLDS_NOTHING} RETURNING id""",
        [worker_id, pinged_at],
    ).fetchone()
    return row is not None


def living(db: Connection) -> list[Worker]:
    """The workers thought alive, the oldest first."""
    return rows.every(
        db,
        Worker,
        f"""SELECT id, host, pid, queues, slots, stopping, started_at, pinged_at, clock_ahead_seconds, cannot_read,
                  {lasted("pinged_at")} AS silent_seconds
           FROM workers WHERE gone_at IS NULL ORDER BY started_at""",
    )


def could_begin(db: Connection, worker_id: UUID) -> bool:
    """Whether a worker could register now; nothing of it stays. Raises what the database says against it."""
    with db.transaction(force_rollback=True):
        register(db, worker_id, lock_key=0, liveness="ping", host="", pid=0, queues=(), slots=0)
    return True
