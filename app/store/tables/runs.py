"""Runs, and what belongs to each of them.

workflow_definitions: what each version of a workflow means; a run is pinned to one of them.
runs: one row per run. It decides everything about the run, and every move of the run is one update of it.
corrected_data: a run's data where no step left them. All are read and replaced by the view run_data (`app/store/sql/run_data.sql`).
run_names: other names by which a run is found, such as the number of a policy.
signals: messages from outside to a run, kept until a step consumes them.
dead_letters: each time a run stopped that only a person can set going again, and what became of it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, Texts, metadata

workflow_definitions = Table(
    "workflow_definitions",
    metadata,
    Column("workflow", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition_hash", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    PrimaryKeyConstraint("workflow", "version"),
)

runs = Table(
    "runs",
    metadata,
    # What it is.
    Column("id", Uuid, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("workflow_version", Integer, nullable=False),
    Column("definition_hash", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the business key, such as the number of a claim
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("parent_run_id", Uuid, ForeignKey("runs.id")),
    Column("parent_step_seq", Integer),  # the parent's step that started it
    Column("forked_from", Uuid),
    Column("created_at", Moment, nullable=False),
    # Where it stands.
    Column("state", Text, nullable=False),  # of its workflow
    Column("status", Text, nullable=False),  # for the engine: see `app/core/lifecycle.py`
    Column("step_seq", Integer, nullable=False),  # grows when a state is entered, never on a retry
    Column("queue", Text, nullable=False),  # `<pool>.<workflow>.v<version>`
    Column("data_step", Integer),  # whose checkpoint has its data in the output; NULL: they stand in corrected_data
    Column("ready_at", Moment),  # since when it is READY
    Column("updated_at", Moment, nullable=False),  # of its last move
    Column("finished_at", Moment),
    # The lease of a RUNNING run. Whoever lost the token writes nothing.
    Column("lease_token", Uuid),
    Column("worker_id", Uuid),
    Column("deadline_at", Moment),
    # What a waiting run waits for.
    Column("waiting_reason", Text),
    Column("routes", JSONB, nullable=False, server_default="{}"),  # where each outcome of the wait leads
    Column("wake_at", Moment),
    Column("expires_at", Moment),
    Column("pending_events", Texts, nullable=False, server_default="{}"),  # names of signals not consumed yet
    Column("children_left", Integer, nullable=False, server_default=text("0")),
    # Tries.
    Column("attempt", Integer, nullable=False, server_default=text("1")),  # of the present step
    Column("crash_attempts", Integer, nullable=False, server_default=text("0")),  # tries that died with their process
    Column("late_retries", Integer, nullable=False, server_default=text("0")),  # out of FAILED_RETRIABLE, by a sweep
    # What people want of it.
    Column("pause_requested", Boolean, nullable=False, server_default=false()),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("irreversible_since", Moment),  # while this is set, a cancel comes too late
    # Time and money. Tokens and cost of a whole family of runs stand on its root run alone.
    Column("expected_seconds", Double),
    Column("waited_seconds", Double, nullable=False, server_default=text("0")),  # in all its waits so far
    Column("token_budget", BigInteger),
    # What people granted beyond the limit.
    Column("tokens_raised", BigInteger, nullable=False, server_default=text("0")),
    # Promised to calls that are under way, or whose outcome nobody knows.
    Column("tokens_reserved", BigInteger, nullable=False, server_default=text("0")),
    Column("tokens_in", BigInteger, nullable=False, server_default=text("0")),
    Column("tokens_out", BigInteger, nullable=False, server_default=text("0")),
    Column("cost", Numeric, nullable=False, server_default=text("0")),
    Column("unpriced_calls", Integer, nullable=False, server_default=text("0")),  # their price is not known
    # The head of its chain of transitions.
    Column("transition_seq", Integer, nullable=False),
    Column("transition_hash", LargeBinary, nullable=False),
    # The subject comes first: people look for a claim by its number alone.
    Index(
        "runs_subject",
        "subject",
        "workflow",
        unique=True,
        postgresql_where=text("parent_run_id IS NULL AND forked_from IS NULL"),
    ),
    Index(
        "runs_other_subject",
        "subject",
        postgresql_where=text("parent_run_id IS NOT NULL OR forked_from IS NOT NULL"),
    ),
    Index("runs_children", "parent_run_id", postgresql_where=text("parent_run_id IS NOT NULL")),
    Index("runs_forks", "forked_from", postgresql_where=text("forked_from IS NOT NULL")),
    # What workers and sweeps look for. These name the status, so no move is a HOT update: indexes of runs are few.
    Index("runs_ready", "queue", "ready_at", postgresql_where=text("status = 'READY'")),
    Index(
        "runs_due",
        text("least(wake_at, expires_at)"),
        postgresql_where=text(
            "status IN ('WAITING_FOR_HUMAN', 'WAITING_FOR_EVENT', 'WAITING_FOR_TIMER', 'WAITING_FOR_CHILDREN',"
            " 'FAILED_RETRIABLE') AND (wake_at IS NOT NULL OR expires_at IS NOT NULL)"
        ),
    ),
    Index("runs_leased", "worker_id", postgresql_where=text("status IN ('RUNNING', 'SUSPECTED_DEAD')")),
    # Room for new versions of a row beside the old one: a run moves often.
    postgresql_with={"fillfactor": 70},
)

corrected_data = Table(
    "corrected_data",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("data", JSONB, nullable=False),
    Column("updated_at", Moment, nullable=False),
    postgresql_with={"fillfactor": 70},
)

run_names = Table(
    "run_names",
    metadata,
    Column("name", Text, nullable=False),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("name", "run_id"),
    Index("run_names_run", "run_id"),
)

signals = Table(
    "signals",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("signal_id", Text, nullable=False),  # the sender's: sent again, it is the same signal
    Column("seq", BigInteger, Identity(always=True), nullable=False),  # the order in which they came
    Column("name", Text, nullable=False),
    Column("payload", JSONB),
    Column("body_hash", Text, nullable=False),  # of name and payload: one id never stands for two signals
    Column("actor", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("consumed_step_seq", Integer),  # the step that took it
    PrimaryKeyConstraint("run_id", "signal_id"),
    # Signals that nobody consumed yet are few; parked runs may be a million.
    Index("signals_pending", "run_id", postgresql_where=text("consumed_step_seq IS NULL")),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("step_seq", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # what runs that stopped alike have in common
    Column("reason", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", Text),
    Column("verdict", Text),
    Index("dead_letters_run", "run_id"),
    Index("dead_letters_created", "created_at"),
    # By run, because a move that closes them must find them by its key.
    Index("dead_letters_open", "run_id", postgresql_where=text("closed_at IS NULL")),
)
