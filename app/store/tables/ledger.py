"""The ledger of irreversible actions.

Functions of the database write it, and nobody by hand; the web may revoke an approval. Triggers keep what is recorded,
so a run that has actions cannot be deleted.

actions: what a run may do that cannot be undone, such as a payment: proposed, approved, done, confirmed or disputed.
approvals: who approved which action; one of each person stands at a time, and a revoked one stays in the books.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, metadata

# What may have happened.
_STANDS = text("status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED')")

actions = Table(
    "actions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    # What is approved. The digest covers all of it.
    Column("purpose", Text, nullable=False),  # what moves no money ends in `_letter`
    Column("claim", Text, nullable=False),  # the business key that the effect is for
    Column("payee", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("coverage", Text, nullable=False),
    # What of its claim and coverage the approver was shown as paid already.
    Column(
        "paid_before",
        Numeric,
        CheckConstraint("paid_before >= 0", name="actions_paid_before_check"),
        nullable=False,
        server_default=text("0"),
    ),
    Column("content", JSONB),  # what else the call must carry: a letter's recipient, and the hash of its bytes
    Column("evidence", JSONB, nullable=False, server_default="{}"),
    Column("shown_digest", Text, nullable=False, server_default=""),  # of all that the approver saw
    Column("proposed_by", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # What came of it.
    Column(
        "status",
        Text,
        CheckConstraint(
            "status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED', 'VOID')",
            name="actions_status_check",
        ),
        nullable=False,
        server_default="PROPOSED",
    ),
    Column("step_seq", Integer),  # the one call that may do it: its step,
    Column("call_seq", Integer),  # and its number there
    Column("executed_at", Moment),
    Column("confirmed_at", Moment),
    Column("confirmation", JSONB),  # what the service said when asked afterwards
    # A dispute stays one; a person says what was found.
    Column("dispute_closed_at", Moment),
    Column("dispute_closed_by", Text),
    Column("dispute_reason", Text),
    UniqueConstraint("run_id", "purpose", "digest"),
    # A business effect exists once, across all runs.
    Index(
        "actions_effect_once",
        "claim",
        "coverage",
        text("payee_key(payee)"),
        "purpose",
        unique=True,
        postgresql_where=_STANDS,
    ),
    # Who was paid what, by claim and by payee.
    Index("actions_paid", text("payee_key(claim)"), text("payee_key(coverage)"), postgresql_where=_STANDS),
    Index("actions_payee", text("payee_key(payee)"), "currency", "amount", postgresql_where=_STANDS),
    Index(
        "actions_unfinished",
        "status",
        postgresql_where=text("status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'DISPUTED')"),
    ),
    Index(
        "actions_unconfirmed",
        "executed_at",
        postgresql_where=text("status = 'EXECUTED' AND confirmation IS NULL"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("action_id", Uuid, ForeignKey("actions.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", Uuid, ForeignKey("human_tasks.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Text, nullable=False),  # of the action as it was approved
    Column("approver", Text, nullable=False),
    Column("role", Text, nullable=False),  # in which they approved it
    Column("authority", Numeric, nullable=False),  # what they had then
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("revoked_because", Text),
    Index("approvals_live", "action_id", "approver", unique=True, postgresql_where=text("revoked_at IS NULL")),
    Index("approvals_action", "action_id"),
)
