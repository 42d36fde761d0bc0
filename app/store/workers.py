"""Worker processes as the database knows them: registered, pinged, gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.store.clock import lasted
from app.store.database import Connection

_HOLDS_NOTHING = """NOT EXISTS (
    SELECT 1 FROM runs r WHERE r.status IN ('RUNNING', 'SUSPECTED_DEAD') AND r.worker_id = w.id)"""


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
) -> None:
    """A new process says what it is."""
    db.execute(
        """INSERT INTO workers (id, lock_key, liveness, host, pid, queues, slots, started_at, pinged_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, app_now(), app_now())""",
        [worker_id, lock_key, liveness, host, pid, list(queues), slots],
    )


def lock(db: Connection, lock_key: int) -> bool:
    """Take the process's session-level advisory lock."""
    row = db.execute("SELECT pg_try_advisory_lock(%s) AS locked", [lock_key]).fetchone()
    return bool(row and row["locked"])


def ping(db: Connection, worker_id: UUID) -> bool:
    """The 30 s heartbeat; False if a sweep has given the process up for dead."""
    row = db.execute("UPDATE workers SET pinged_at = app_now() WHERE id = %s RETURNING gone_at", [worker_id]).fetchone()
    return row is not None and row["gone_at"] is None


def revive(db: Connection, worker_id: UUID) -> None:
    """A process that was given up for dead and is not: it may take leases again."""
    db.execute("UPDATE workers SET gone_at = NULL, pinged_at = app_now() WHERE id = %s", [worker_id])


def stopping(db: Connection, worker_id: UUID) -> None:
    """A planned shutdown has begun: what dies with the process counts as no crash."""
    db.execute("UPDATE workers SET stopping = true WHERE id = %s", [worker_id])


def leave(db: Connection, worker_id: UUID) -> None:
    """The process ends in order. One that still holds a lease is not gone yet: the heartbeats sweep sees to its runs."""
    db.execute(
        f"UPDATE workers w SET stopping = true, gone_at = CASE WHEN {_HOLDS_NOTHING} THEN app_now() END WHERE id = %s",
        [worker_id],
    )


def owned(db: Connection, worker_id: UUID) -> list[dict[str, Any]]:
    """The runs this process holds a lease of, as the database sees it."""
    return db.execute(
        "SELECT id, step_seq, lease_token FROM runs WHERE status IN ('RUNNING', 'SUSPECTED_DEAD') AND worker_id = %s",
        [worker_id],
    ).fetchall()


def without_lock(db: Connection) -> list[dict[str, Any]]:
    """The living workers of the kind 'lock': whether no session holds their lock, and for how long they have not pinged."""
    return db.execute(
        f"""SELECT w.id, w.stopping, w.pinged_at, (l.objid IS NULL) AS missing,
             {lasted("w.pinged_at")} AS silent_seconds
           FROM workers w LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND l.classid = ((w.lock_key >> 32) & 4294967295)::bigint::oid AND l.objid = (w.lock_key & 4294967295)::bigint::oid
           WHERE w.gone_at IS NULL AND w.liveness = 'lock'"""
    ).fetchall()


def silent(db: Connection, silent_seconds: float) -> list[dict[str, Any]]:
    """Workers that have not pinged for too long: id and last ping."""
    return db.execute(
        """SELECT id, pinged_at FROM workers
           WHERE gone_at IS NULL AND pinged_at < (SELECT app_now()) - make_interval(secs => %s)""",
        [silent_seconds],
    ).fetchall()


def unheard_since(db: Connection, worker_id: UUID, pinged_at: datetime) -> bool:
    """Whether a worker has not pinged since then; if so its next ping waits until this transaction ends."""
    row = db.execute(
        "SELECT id FROM workers WHERE id = %s AND pinged_at = %s FOR NO KEY UPDATE", [worker_id, pinged_at]
    ).fetchone()
    return row is not None


def gone_with_leases(db: Connection) -> list[dict[str, Any]]:
    """Workers given up that hold a lease all the same: taken in the moment between the verdict and their next ping."""
    return db.execute(
        """SELECT DISTINCT w.id, w.pinged_at FROM runs r JOIN workers w ON w.id = r.worker_id
           WHERE r.status IN ('RUNNING', 'SUSPECTED_DEAD') AND r.worker_id IS NOT NULL AND w.gone_at IS NOT NULL"""
    ).fetchall()


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


def living(db: Connection) -> list[dict[str, Any]]:
    """The workers thought alive, with the age of their last ping in seconds."""
    return db.execute(
        f"""SELECT id, host, pid, queues, slots, stopping, started_at, pinged_at,
                  {lasted("pinged_at")} AS silent_seconds
           FROM workers WHERE gone_at IS NULL ORDER BY started_at"""
    ).fetchall()
