"""Work for people.

human_tasks: a question to a role, with its form and evidence. The question is written once; then it is worked at and answered.
human_task_events: the history of a task: opened, held, reminded of, answered.
human_task_comments: notes for whoever works on a task; never changed.
human_task_drafts: the half-filled form of somebody, one for each person and task.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.store.tables.base import Moment, Texts, metadata

# The order of the queue: what has no due date comes last.
_DUE = text("coalesce(due_at, 'infinity'::timestamptz)")

human_tasks = Table(
    "human_tasks",
    metadata,
    # What it is about.
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("step_seq", Integer, nullable=False),
    Column("call_seq", Integer),  # the call it judges or approves, if it is about one
    Column("state", Text, nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('work', 'doubt', 'unknown', 'triage', 'budget', 'approval')", name="human_tasks_kind_check"
        ),
        nullable=False,
    ),
    Column("fingerprint", Text),  # of a triage task: what runs that stopped alike have in common
    Column("created_at", Moment, nullable=False),
    # The question.
    Column("title", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("form", JSONB, nullable=False),  # a JSON schema
    Column("defaults", JSONB, nullable=False, server_default="{}"),  # what the form starts with
    Column("evidence", JSONB, nullable=False, server_default="[]"),
    Column("proposals", JSONB, nullable=False, server_default="[]"),  # actions that an answer may approve
    Column("approves", JSONB, nullable=False, server_default="{}"),  # which of them each outcome approves, by purpose
    Column("outcomes", Texts, nullable=False),
    Column("shown_digest", Text, nullable=False),  # of all that the answerer is shown
    # Who may answer, and until when.
    Column("role", Text, nullable=False),
    Column("not_by", Texts, nullable=False, server_default="{}"),  # people of the role who may not
    Column("due_at", Moment),
    Column("sla_at", Moment),  # when the SLA sweep next has something to say of it; NULL: it has said all
    # Where it stands.
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('OPEN', 'COMPLETED', 'CANCELLED', 'EXPIRED')", name="human_tasks_status_check"),
        nullable=False,
        server_default="OPEN",
    ),
    Column("row_version", Integer, nullable=False, server_default=text("1")),  # grows with every change
    Column("claimed_by", Text),
    Column("claimed_at", Moment),
    Column("snoozed_until", Moment),  # until when whoever claimed it has snoozed it
    Column("snooze_reason", Text),
    Column("evidence_at", Moment),  # when something came in that whoever had opened it has not seen
    # The answer.
    Column("outcome", Text),
    Column("answer", JSONB),
    Column("answer_hash", Text),
    Column("completed_by", Text),
    Column("completed_at", Moment),
    Index("human_tasks_run", "run_id"),
    Index("human_tasks_open", "role", "created_at", postgresql_where=text("status = 'OPEN'")),
    Index("human_tasks_sla", "sla_at", "due_at", postgresql_where=text("status = 'OPEN'")),
    Index("human_tasks_claimed", "claimed_at", postgresql_where=text("status = 'OPEN' AND claimed_at IS NOT NULL")),
    Index("human_tasks_held", "claimed_by", postgresql_where=text("status = 'OPEN' AND claimed_by IS NOT NULL")),
    # The queue shows runs that stopped alike as one: those alone, those alike, and those of their kind answered before.
    Index("human_tasks_queue", _DUE, "id", postgresql_where=text("status = 'OPEN' AND fingerprint IS NULL")),
    Index(
        "human_tasks_alike",
        "fingerprint",
        _DUE,
        "id",
        postgresql_where=text("status = 'OPEN' AND fingerprint IS NOT NULL"),
    ),
    Index(
        "human_tasks_tried",
        "fingerprint",
        "id",
        postgresql_where=text("status <> 'OPEN' AND fingerprint IS NOT NULL"),
    ),
)

human_task_events = Table(
    "human_task_events",
    metadata,
    Column("task_id", Uuid, ForeignKey("human_tasks.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("event", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", JSONB),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("task_id", "seq"),
    Index("human_task_events_run", "run_id"),
)

human_task_comments = Table(
    "human_task_comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_id", Uuid, ForeignKey("human_tasks.id", ondelete="CASCADE"), nullable=False),
    Column("author", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("human_task_comments_task", "task_id", "created_at"),
)

human_task_drafts = Table(
    "human_task_drafts",
    metadata,
    Column("task_id", Uuid, ForeignKey("human_tasks.id", ondelete="CASCADE"), nullable=False),
    Column("author", Text, nullable=False),
    Column("draft", JSONB, nullable=False),
    Column("updated_at", Moment, nullable=False),
    PrimaryKeyConstraint("task_id", "author"),
)
