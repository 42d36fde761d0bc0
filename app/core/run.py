"""A run as `decide` sees it, and the move it decides on. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.core.lifecycle import EventKind, Status

Route = Mapping[str, str]
Routes = Mapping[str, Route]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The columns of a run's row by which it moves. `routes` say where each outcome of a wait leads."""

    id: UUID
    workflow: str
    workflow_version: int
    subject: str
    state: str
    status: Status
    step_seq: int
    queue: str
    attempt: int = 1
    crash_attempts: int = 0
    late_retries: int = 0
    routes: Routes = field(default_factory=dict)
    pending_events: tuple[str, ...] = ()
    pause_requested: bool = False
    cancel_requested: bool = False
    irreversible: bool = False
    waiting_reason: str | None = None
    lease_token: UUID | None = None
    parent_run_id: UUID | None = None
    parent_step_seq: int | None = None
    children_left: int = 0
    transition_seq: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What `decide` is given: something that happened to a run, with what belongs to it.

    outcome: the route taken. reason: why, in words a person reads. actor: who (`worker:…`, `person:…`, `sweep:…`).
    routes, waiting_reason, wake_in, expires_in (seconds), children (how many): what a wait leaves behind on the row.
    cause: what led to the next step, kept in its input.
    """

    kind: EventKind
    actor: str
    reason: str = ""
    outcome: str | None = None
    routes: Routes = field(default_factory=dict)
    waiting_reason: str | None = None
    wake_in: float | None = None
    expires_in: float | None = None
    children: int = 0
    alone: bool = False  # LOST: the run was the only one in the dead process
    planned: bool = False  # LOST: the process was shutting down
    isolate: bool = False  # REASSIGNED: rerun alone, in the isolated pool
    cause: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A decided move: what the row becomes. `enters` says that a state is entered (the next `step_seq`)."""

    event: EventKind
    actor: str
    reason: str
    state: str
    status: Status
    step_seq: int
    queue: str
    attempt: int
    crash_attempts: int
    late_retries: int
    routes: Routes
    pending_events: tuple[str, ...]
    pause_requested: bool
    waiting_reason: str | None = None
    wake_in: float | None = None
    expires_in: float | None = None
    children_left: int = 0
    enters: bool = False
    completes_step: bool = False
    consumes: str | None = None  # the pending signals of this name are the next step's, or of the one that goes on
    closes_tasks: bool = False
    cause: Mapping[str, Any] = field(default_factory=dict)
