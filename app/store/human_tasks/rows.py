"""The rows of human tasks as values: a task, an entry of its history, a comment, a draft.

The law: a row is read into one of these where it leaves the store; whatever JSON it holds is as it was before it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from app.core.canonical import restore
from app.core.statuses import TaskKind, TaskStatus

_JSON = ("form", "defaults", "evidence", "proposals", "approves", "answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class HumanTask:
    """A row of `human_tasks`; `app.store.tables.human_tasks` says of each column what it means."""

    id: UUID
    run_id: UUID
    step_seq: int
    call_seq: int | None
    state: str
    kind: TaskKind
    fingerprint: str | None
    created_at: datetime
    title: str
    note: str
    form: Mapping[str, Any]
    defaults: Mapping[str, Any]
    evidence: Sequence[Any]
    proposals: Sequence[Mapping[str, Any]]
    approves: Mapping[str, Sequence[str]]
    outcomes: Sequence[str]
    shown_digest: str
    role: str
    not_by: Sequence[str]
    due_at: datetime | None
    sla_at: datetime | None
    status: TaskStatus
    row_version: int
    claimed_by: str | None
    claimed_at: datetime | None
    snoozed_until: datetime | None
    snooze_reason: str | None
    evidence_at: datetime | None
    outcome: str | None
    answer: Mapping[str, Any] | None
    answer_hash: str | None
    completed_by: str | None
    completed_at: datetime | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The task of a row that has its columns, whatever more it has."""
        values = {field.name: row[field.name] for field in fields(cls)}
        values |= {name: restore(values[name]) for name in _JSON}
        return cls(**values | {"kind": TaskKind(row["kind"]), "status": TaskStatus(row["status"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskInRun(HumanTask):
    """A task with its run's subject and workflow. `took_part`: who may not approve what it proposes, and by what they took part."""

    subject: str
    workflow: str
    workflow_version: int
    took_part: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgedTask(HumanTask):
    """A task with its run's subject and workflow, and how long it has been open."""

    subject: str
    workflow: str
    age_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent:
    """Something that happened to a task. `actor`: `person:…`, `sweep:…` or the like. `detail`: what belongs to it, by name."""

    event: str
    actor: str
    detail: Mapping[str, Any] | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The event of a row with these columns."""
        return cls(event=row["event"], actor=row["actor"], detail=row["detail"], created_at=row["created_at"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """What somebody noted on a task; never changed."""

    id: UUID
    author: str
    body: str
    created_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The comment of a row with these columns."""
        return cls(id=row["id"], author=row["author"], body=row["body"], created_at=row["created_at"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What one person has filled in so far: the form's fields as typed, and when they were kept."""

    draft: Mapping[str, str]
    updated_at: datetime

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The draft of a row with these columns."""
        return cls(draft=restore(row["draft"]), updated_at=row["updated_at"])
