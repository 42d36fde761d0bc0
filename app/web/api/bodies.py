"""The models of what is sent. A field that a body does not know is refused, so that a misspelt one is never ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.core.lifecycle import Status

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


class DelegateTo(Asked):
    to: str = Field(min_length=1, max_length=64, examples=["bela.ostrander"])
    reason: Reason


class SnoozeUntil(Asked):
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
    status: str = Field(default="", examples=[Status.DEAD_LETTER.value])
    workflow: str = Field(default="", examples=["insurance_claim"])
    fingerprint: str = Field(
        default="",
        description="Instead of `status`: the runs that stopped alike. To retry or redrive, one of them first.",
    )
    rest: bool = Field(
        default=False, description="With `fingerprint`: the others, once one has passed the step it stopped at."
    )


class OperationBody(Asked):
    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["ids"], "properties": {"ids": {"type": "array"}, "filter": {"type": "null"}}},
                {"required": ["filter"], "properties": {"filter": {"type": "object"}, "ids": {"type": "null"}}},
            ]
        }
    )

    verb: Verb = Field(examples=["redrive"])
    ids: list[UUID] | None = Field(default=None, max_length=1000, description="These runs, or `filter`.")
    filter: ManyRuns | None = Field(default=None, description="Up to 1,000 root runs, newest first, instead of `ids`.")
    reason: Reason
    dry_run: bool = Field(default=True, description="True: only say what would become of each.", examples=[True])
