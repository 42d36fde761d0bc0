"""What is kept beside the runs.

documents: files that belong to a run, each found in the document store by the hash of its content.
blobs: payloads too large for a row, each once, under the hash of its content.
alerts: conditions worth a person's attention: opened once, resolved when they end.
deliveries: notifications of alerts, to be sent once each.
idempotency_keys: the answers given to requests, so that the same request gets the same answer.
refused_messages: messages that were refused, a row for each kind of them.
schema_compatibility: one row, which says how old code may be to run on this schema, and whether what stands on the tables is as
    this code wants it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, metadata

documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("documents_run", "run_id"),
    Index("documents_content", "sha256"),  # who else sent this file?
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what it is about: an id, a queue, the name of a sweep
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE")),
    Column("message", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Column("fingerprint", Text),  # what runs that stopped alike have in common
    Column("opened_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    # At most one is open for each rule and subject.
    Index("alerts_open", "rule", "subject", unique=True, postgresql_where=text("resolved_at IS NULL")),
    Index("alerts_run", "run_id", postgresql_where=text("run_id IS NOT NULL")),
    # Lists show runs that stopped alike as one.
    Index(
        "alerts_single",
        "opened_at",
        "id",
        postgresql_where=text("resolved_at IS NULL AND fingerprint IS NULL"),
    ),
    Index(
        "alerts_alike",
        "rule",
        "fingerprint",
        "opened_at",
        "id",
        postgresql_where=text("resolved_at IS NULL AND fingerprint IS NOT NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("alert_id", Uuid, ForeignKey("alerts.id", ondelete="CASCADE")),
    Column("channel", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    Column("body", JSONB, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Moment, nullable=False),
    Column("delivered_at", Moment),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("scope", Text, nullable=False),  # who sent it, or what it asked for: keys of two scopes never meet
    Column("key", Text, nullable=False),
    Column("body_hash", Text, nullable=False),  # the same key with another body is refused
    Column("answer", JSONB, nullable=False),  # or who is at work on it
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
    Index("idempotency_keys_created", "created_at"),  # those that are old are forgotten
)

refused_messages = Table(
    "refused_messages",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column(
        "what",
        Text,
        CheckConstraint("what IN ('start', 'bell')", name="refused_messages_what_check"),
        nullable=False,
    ),
    Column("queue", Text, nullable=False),  # where they lay; empty if unknown
    Column("name", Text, nullable=False),  # the task or workflow they asked for
    Column("reason", Text, nullable=False),
    Column("samples", JSONB, nullable=False),  # what the newest said, a few
    Column("count", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    # Of the present spell, which ends when none came for a while.
    Column("spell_count", BigInteger, nullable=False),
    Column("spell_at", Moment, nullable=False),
)

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    # True in the one row there may be.
    Column(
        "one",
        Boolean,
        CheckConstraint("one", name="schema_compatibility_one_check"),
        primary_key=True,
        server_default=true(),
    ),
    Column("oldest_code", Text, nullable=False),
    # Of the files of app/store/sql and of what they had made, when they were last applied.
    Column("sql_digest", Text),
)
