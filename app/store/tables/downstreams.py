"""What the services that runs call can bear.

downstreams: one row per service: its rate, its breaker, and when it may be called again. Its lock decides for all workers.
permits: calls under way, where a service limits their number; valid as long as the lease it was taken under.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text

from app.store.tables.base import Moment, metadata

downstreams = Table(
    "downstreams",
    metadata,
    Column("name", Text, primary_key=True),
    # How many calls it may get: a bucket of `burst` tokens, refilled at the rate, and how many at once.
    Column("rate_per_second", Double),
    Column("burst", Integer),
    Column("tokens", Double),
    Column("refilled_at", Moment),
    Column("concurrency", Integer),
    # Whether it is called at all.
    Column(
        "breaker",
        Text,
        CheckConstraint("breaker IN ('closed', 'open', 'half-open')", name="downstreams_breaker_check"),
        nullable=False,
        server_default="closed",
    ),
    Column("opened_at", Moment),  # since when the breaker is not closed
    Column("probe_at", Moment),  # when the next probe may go
    Column("probe_until", Moment),  # how long the present probe may take
    Column("not_before", Moment),  # what the service asked for
    Column("booked_until", Moment),  # when the last of those who were sent away is to come again
    # What the breaker opens on: since window_at.
    Column("window_at", Moment),
    Column("calls", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
)

permits = Table(
    "permits",
    metadata,
    Column("run_id", Uuid, nullable=False),
    Column("step_seq", Integer, nullable=False),
    Column("call_seq", Integer, nullable=False),
    Column("downstream", Text, nullable=False),
    Column("lease_token", Uuid, nullable=False),
    Column("taken_at", Moment, nullable=False),
    PrimaryKeyConstraint("run_id", "step_seq", "call_seq"),
    Index("permits_downstream", "downstream"),
)
