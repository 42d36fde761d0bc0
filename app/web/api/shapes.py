"""The models of what is answered. Each field means what the column of the same name means."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from app.web.api.answers import Shape


class ForkOf(Shape):
    run_id: UUID = Field(description="The new run.")
    forked_from: UUID
    state: str
    copied: int = Field(description="Completed calls of the step that are not made again.", examples=[2])


class Claim(Shape):
    run_id: UUID
    claim: str
    new: bool = Field(description="False: the same claim had been sent before; this is its run.")
    documents: int


class Document(Shape):
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    filename: str
    media_type: str | None = None
    size: int | None = Field(default=None, description="Bytes.")
    uploaded_by: str | None = None
    created_at: datetime | None = None


class Documents(Shape):
    items: list[Document]


class RunLine(Shape):
    id: UUID
    workflow: str
    workflow_version: int
    subject: str
    state: str
    status: str
    waiting_reason: str | None
    parent_run_id: UUID | None
    created_at: datetime
    updated_at: datetime


class Run(RunLine):
    attempt: int
    queue: str
    step_seq: int
    wake_at: datetime | None
    expires_at: datetime | None
    finished_at: datetime | None
    pause_requested: bool
    cancel_requested: bool
    tokens_in: int
    tokens_out: int
    cost: Decimal | None
    children_left: int | None
    forked_from: UUID | None
    data: Any = Field(description="As the workflow's own type writes it.")


class Explained(Shape):
    run_id: UUID
    condition: str = Field(examples=["waiting"])
    sentence: str


class Transition(Shape):
    seq: int
    event: str
    from_state: str | None
    from_status: str | None
    to_state: str
    to_status: str
    step_seq: int
    attempt: int
    actor: str
    reason: str | None
    created_at: datetime


class TraceEntry(Shape):
    at: datetime
    kind: str
    step: str | None
    step_seq: int | None
    name: str | None
    status: str | None
    actor: str | None
    detail: str | None
    input: Any
    output: Any
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None


class Signal(Shape):
    seq: int
    signal_id: str
    name: str
    payload: Any
    actor: str
    created_at: datetime
    consumed_step_seq: int | None


class Sent(Shape):
    run_id: UUID
    signal_id: str
    new: bool = Field(description="False: it had been sent before.")


class TaskLine(Shape):
    id: UUID
    run_id: UUID
    subject: str
    workflow: str
    kind: str
    state: str
    role: str
    title: str
    status: str
    row_version: int
    claimed_by: str | None
    created_at: datetime
    due_at: datetime | None
    snoozed_until: datetime | None


class Comment(Shape):
    id: UUID
    author: str
    body: str
    created_at: datetime


class Task(TaskLine):
    note: str
    form: dict[str, Any] = Field(description="JSON Schema of the answer.")
    defaults: dict[str, Any]
    evidence: Any
    proposals: list[Any]
    outcomes: list[str]
    not_by: list[str]
    snooze_reason: str | None
    outcome: str | None
    answer: Any
    completed_by: str | None
    completed_at: datetime | None
    comments: list[Comment]
    refusal: str | None = Field(description="Why the caller may not answer it, or null.")


class Commented(Shape):
    id: UUID


class DraftKept(Shape):
    task_id: UUID
    kept_at: datetime


class Completed(Shape):
    task_id: UUID
    run_id: UUID
    outcome: str
    completed_by: str
    completed_at: datetime


class Approval(Shape):
    id: UUID
    action_id: UUID
    approver: str
    role: str
    authority: Decimal
    task_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    live: bool


class Action(Shape):
    id: UUID
    run_id: UUID
    claim: str
    purpose: str
    payee: str
    amount: Decimal
    currency: str
    coverage: str
    status: str
    proposed_by: str
    tool: str | None
    created_at: datetime
    executed_at: datetime | None
    confirmed_at: datetime | None
    approvals: list[Approval]


class Alert(Shape):
    id: UUID
    rule: str
    subject: str
    run_id: UUID | None
    message: str
    opened_at: datetime
    fingerprint: str | None
    alike: int


class DeadLetter(Shape):
    id: UUID
    run_id: UUID
    subject: str
    workflow: str
    state: str
    status: str
    fingerprint: str
    reason: str
    created_at: datetime


class RefusedMessages(Shape):
    id: UUID
    what: str = Field(description="start: of a run; bell: of a step or a sweep.", examples=["start"])
    queue: str = Field(description="Where they lay, as they say; empty if that cannot be known.", examples=["intake"])
    name: str = Field(description="The workflow or the task they ask for.", examples=["insurance_claim"])
    reason: str = Field(description="Why the last one was refused.")
    samples: list[dict[str, str]] = Field(
        description="What the newest said, at most three, cut short.", examples=[[{"subject": "CLM-2026-0007"}]]
    )
    count: int
    first_at: datetime
    last_at: datetime
    spell_count: int = Field(description="How many since `spell_at`, with less than an hour between two.")
    spell_at: datetime


class Outcome(Shape):
    run_id: UUID
    subject: str
    status: str
    refusal: str | None = Field(description="Why it was not (would not be) done; null if it was (would be).")


class Outcomes(Shape):
    verb: str
    dry_run: bool
    done: int
    refused: int
    items: list[Outcome]


class Operated(Shape):
    run_id: UUID
    status: str


class _Page(Shape):
    next: str | None = Field(description="The cursor of the next page; null at the end.")


class Runs(_Page):
    items: list[RunLine]


class Transitions(_Page):
    items: list[Transition]


class Trace(_Page):
    items: list[TraceEntry]


class Signals(_Page):
    items: list[Signal]


class Tasks(_Page):
    items: list[TaskLine]


class Actions(_Page):
    items: list[Action]


class Alerts(_Page):
    items: list[Alert]


class DeadLetters(_Page):
    items: list[DeadLetter]


class RefusedKinds(_Page):
    items: list[RefusedMessages]
