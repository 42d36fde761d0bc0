"""What is forgotten after its time. The law: never a run, and nothing a run points to."""

from __future__ import annotations

from app.core.lifecycle import HELD
from app.store.database import Connection
from app.store.rows import literals

_WORKERS = f"""
DELETE FROM workers WHERE id IN (
    SELECT w.id FROM workers w WHERE w.gone_at < (SELECT app_now()) - make_interval(secs => %(age)s)
      AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.status IN ({literals(HELD)}) AND r.worker_id = w.id)
    LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED)"""
# By their places in the table, which are theirs for as long as the statement lasts: by their keys the planner may read all of them.
_KEYS = """
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < (SELECT app_now()) - make_interval(secs => %(age)s)
    LIMIT %(limit)s))"""
_REFUSED = """
DELETE FROM refused_messages WHERE fingerprint IN (
    SELECT fingerprint FROM refused_messages WHERE last_at < (SELECT app_now()) - make_interval(secs => %(age)s)
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED)"""


def forget_workers(db: Connection, *, age_seconds: float, limit: int) -> int:
    """Delete the rows of workers gone for longer, unless a run still names one as its holder; how many."""
    return db.execute(_WORKERS, {"age": age_seconds, "limit": limit}).rowcount


def forget_keys(db: Connection, *, age_seconds: float, limit: int) -> int:
    """Delete idempotency keys older than this; how many."""
    return db.execute(_KEYS, {"age": age_seconds, "limit": limit}).rowcount


def forget_refused(db: Connection, *, age_seconds: float, limit: int) -> int:
    """Delete kinds of refused messages of which none came for longer; how many."""
    return db.execute(_REFUSED, {"age": age_seconds, "limit": limit}).rowcount
