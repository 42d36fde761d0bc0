"""Processes and duties.

workers: one row per worker process: how to tell that it lives, and what it serves.
document_probes: small documents that each host writes, by which all find out whether they share one document store.
sweeps: when each periodic duty last ran and what it counted; three rows are no duties: `clock` says when
    and by how much the database's clock was set, `looks` when somebody last looked for dead workers, `ends` for those
    that were seen to end.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Double, Integer, Table, Text, Uuid, false
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, Texts, metadata

workers = Table(
    "workers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text),  # the boot, namespace and start that make the pid a certain one, where they are known
    Column("queues", Texts, nullable=False),
    Column("slots", Integer, nullable=False),  # how many steps it works on at once
    Column("started_at", Moment, nullable=False),
    Column("stopping", Boolean, nullable=False, server_default=false()),  # a planned shutdown has begun
    Column("gone_at", Moment),
    # How others know that it lives: by the advisory lock of its session, or where it can hold none, by its pings.
    Column(
        "liveness",
        Text,
        CheckConstraint("liveness IN ('lock', 'ping')", name="workers_liveness_check"),
        nullable=False,
    ),
    Column("lock_key", BigInteger, nullable=False),
    Column("pinged_at", Moment, nullable=False),
    # What it noticed about its host.
    Column("clock_ahead_seconds", Double),  # of the database's
    Column("cannot_read", Texts, nullable=False, server_default="{}"),  # hosts whose documents it does not find
    # Room for new versions of a row beside the old one: every ping updates it.
    postgresql_with={"fillfactor": 50},
)

document_probes = Table(
    "document_probes",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("written_at", Moment, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_started_at", Moment, nullable=False),
    Column("last_finished_at", Moment),
    Column("counts", JSONB, nullable=False, server_default="{}"),
)
