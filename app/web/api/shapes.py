"""The models of what is sent and answered. Each field means what the column of the same name means."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.web.api.answers import Shape

Reason = Annotated[str, Field(min_length=1, max_length=4000, examples=["The bank has confirmed it."])]
Verb = Literal["retry", "redrive", "fail", "cancel", "pause", "resume"]


class Asked(BaseModel):
    """The model of a body: a field it does not know is refused, so that a misspelt one is never ignored."""

    model_config = ConfigDict(extra="forbid")


class Because(Asked):
    reason: Reason


class ForkBody(Asked):
    step_seq: int = Field(ge=1, lt=2**31, description="The step it begins with, as that was entered.", examples=[3])
    reason: Reason


class ForkOf(Shape):
    run_id: UUID = Field(description="The new run.")
    forked_from: UUID
    state: str
    copied: int = Field(description="Completed calls of the step that are not made again.", examples=[2])


class DelegateTo(Asked):
    to: str = Field(min_length=1, max_length=64, examples=["bela.ostrander"])
    reason: Reason


class ParkUntil(Asked):
    until: datetime = Field(description="With its zone.", examples=["2026-12-01T09:00:00+01:00"])
    reason: Reason


class CommentBody(Asked):
    body: str = Field(min_length=1, max_length=4000, examples=["Rang the garage; they will send the invoice."])


class DraftBody(Asked):
    draft: dict[str, str] = Field(
        description="Fields of the task's form, as typed.", examples=[{"comment": "So far so good"}]
    )


class AnswerBody(Asked):
    outcome: str = Field(min_length=1, max_length=100, examples=["pay"])
    answer: dict[str, Any] = Field(description="What the task's form asks for.", examples=[{"comment": "All agree."}])


class SignalBody(Asked):
    name: str = Field(min_length=1, max_length=100, examples=["police_report"])
    payload: Any = Field(default=None, examples=[{"number": "4711"}])
    signal_id: str = Field(
        min_length=1, max_length=200, description="The same id again is the same signal.", examples=["pr-4711"]
    )


class ManyRuns(Asked):
    status: str = Field(default="", examples=["DEAD_LETTER"])
    workflow: str = Field(default="", examples=["insurance_claim"])


class OperationBody(Asked):
    verb: Verb = Field(examples=["redrive"])
    ids: list[UUID] | None = Field(default=None, max_length=1000, description="These runs, or `filter`.")
    filter: ManyRuns | None = Field(default=None, description="Up to 1,000 root runs, newest first, instead of `ids`.")
    reason: Reason
    dry_run: bool = Field(default=True, description="True: only say what would become of each.", examples=[True])


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
    latency_ms: int | None
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
    follow_up_at: datetime | None


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
    parked_reason: str | None
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
