"""The journal of each run: what it did, how it moved, and what its models were told.

checkpoints: a row per step and per call inside a step; the intent is written first, the result after the act, once.
transition_rows: a row per move of a run, numbered without gaps and chained by hash; never changed. Everybody reads them by the
    view transitions (`app/store/sql/transitions.sql`), which has as text what is stored as bytes, and the digests that are not stored.
messages: the parts of conversations with models, each once per run, under the hash of itself and all before it.

No foreign key leads from checkpoints and transitions to `runs`: both are written only by statements that hold the run's
own row, and to look for it once more, three times a step, would be a third of their cost. Runs are never deleted.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, metadata

checkpoints = Table(
    "checkpoints",
    metadata,
    # Which step or call it is.
    Column("run_id", Uuid, nullable=False),
    Column("step_seq", Integer, nullable=False),
    Column("call_seq", Integer, nullable=False),  # 0 is the step itself
    Column("step_name", Text, nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('start', 'step', 'tool', 'model', 'local', 'wait')", name="checkpoints_kind_check"),
        nullable=False,
    ),
    Column("name", Text, nullable=False),
    # What came of it.
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('INTENT', 'COMPLETE', 'FAILED', 'UNKNOWN')", name="checkpoints_status_check"),
        nullable=False,
    ),
    Column("input_hash", Text),  # of what the step passed: another one at a recorded place is a divergence
    Column("input", JSONB),
    Column("output_hash", Text),
    Column("output", JSONB),
    Column("errors", JSONB, nullable=False, server_default="[]"),  # of all tries, in their order
    Column("created_at", Moment, nullable=False),
    Column("intent_at", Moment),  # of the last try
    Column("completed_at", Moment),
    Column("latency_ms", Double),
    # By whom, and under which right.
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("lease_token", Uuid),
    Column("idempotency_key", Text),
    # Grows when a person says that the call did not happen; the key is made anew from it.
    Column("key_epoch", Integer, nullable=False, server_default=text("0")),
    Column("key_valid_until", Moment),  # how long the downstream honours the key
    Column("action_id", Uuid),  # the approved action that an irreversible call carries out
    # Calls of models.
    Column("model", Text),
    Column("prompt_version", Text),
    Column("tokens_reserved", BigInteger, nullable=False, server_default=text("0")),  # its share of the root run's
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Column("cost", Numeric),
    # How often it was asked again after its first asking was lost.
    Column("repeated", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("run_id", "step_seq", "call_seq"),
    # What it is made of is never updated, so an update of a checkpoint stays within its page.
    Index("checkpoints_models", "created_at", postgresql_where=text("kind = 'model'")),
    postgresql_with={"fillfactor": 80},
)

# Who may see and write which rows. The two roles belong to the whole server and must be there before the table is made.
CHECKPOINT_POLICIES = {
    "everyone_reads": "FOR SELECT USING (true)",
    "workers_write": "FOR ALL TO longhaul_worker USING (true) WITH CHECK (true)",
    # The web starts runs and enters steps; it never begins a call.
    "web_enters_steps": "FOR INSERT TO longhaul_web WITH CHECK (kind IN ('start', 'step'))",
    # A person's verdict on an unknown call ends it, and never makes it an intent.
    "web_judges_unknowns": """FOR UPDATE TO longhaul_web USING (status = 'UNKNOWN' OR kind = 'step')
        WITH CHECK (kind = 'step' OR status IN ('COMPLETE', 'FAILED', 'UNKNOWN'))""",
}
for _statement in (
    "ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY",
    *(f"CREATE POLICY {name} ON checkpoints {rule}" for name, rule in CHECKPOINT_POLICIES.items()),
):
    event.listen(checkpoints, "after_create", DDL(_statement))  # type: ignore[no-untyped-call]

transition_rows = Table(
    "transition_rows",
    metadata,
    Column("run_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("from_status", Text),
    Column("to_state", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    Column("step_seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("actor", Text),  # `person:…`, `sweep:…`; NULL: the worker
    Column("worker_id", Uuid),
    Column("created_at", Moment, nullable=False),
    Column("move_id", Uuid, nullable=False),  # the writer's token, by which it knows its own move again
    # The chain covers digests, not texts. Erasing takes reason, payload's hash and salt, and the chain still holds: what of the
    # digests followed from these is written then. Salt and hash as text, and digests beside them, are from before version 0037.
    Column("reason", Text),
    Column("payload_sha256", LargeBinary),
    Column("salt_bytes", LargeBinary),
    Column("payload_hash", Text),
    Column("salt", Text),
    Column("reason_digest", Text),
    Column("payload_digest", Text),
    Column("hash", LargeBinary, nullable=False),  # of this move and the hash before it
    PrimaryKeyConstraint("run_id", "seq"),
    # The overview looks at the last day. An index of page ranges costs a row in several thousand.
    Index(
        "transition_rows_created",
        "created_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    ),
)

messages = Table(
    "messages",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("run_id", "sha256"),
)
