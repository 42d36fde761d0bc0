"""A human task as a person sees it: the task and all that is shown beside it, as of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts.people import Person
from app.core.errors import NotFound
from app.core.statuses import TaskKind
from app.core.workflow import Human
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import Connection
from app.store.human_tasks import answerers, handling, human_tasks
from app.store.human_tasks.rows import Comment, Draft, HumanTask, TaskEvent, TaskInRun
from app.store.reads import pages
from app.store.records.documents import documents_of
from app.store.runs import runs
from app.web.http import form_fields
from app.web.http.form_fields import FormField
from app.web.http.show import ordered
from app.web.human_tasks import limits
from app.web.human_tasks.limits import Limits
from app.web.human_tasks.marks import Document, documents_with_marks
from app.web.human_tasks.suggestion import Suggestion, suggested


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A task and all that is shown beside it, as of one moment."""

    task: TaskInRun
    now: datetime
    data: Any
    documents: Sequence[Document]
    suggestion: Suggestion | None
    limits: Limits
    events: Sequence[TaskEvent]
    comments: Sequence[Comment]
    draft: Draft | None
    names: Mapping[str, str]
    order: Sequence[str]

    def fields(self, typed: Mapping[str, str] | None = None) -> list[FormField]:
        """The form, with what was typed into it."""
        currencies = {p["amount_field"]: p["currency"] for p in self.task.proposals if p.get("amount_field")}
        return form_fields.fields_of(self.task.form, self.task.defaults, typed, order=self.order, currencies=currencies)

    def letter(self, proposal: Mapping[str, Any]) -> Document | None:
        """The letter whose very bytes a proposal is about; None if it is about none, or they are gone."""
        sha256 = (proposal.get("content") or {}).get("sha256")
        return next((document for document in self.documents if document.sha256 == sha256), None)

    def name(self, username: str | None) -> str:
        """What a person is called."""
        return self.names.get(username or "", username or "")

    @property
    def new_files(self) -> list[str]:
        """What came in while the task was open: nothing the note or the suggestion knows of."""
        told = [e.detail or {} for e in self.events if e.event == "new evidence"]
        return [str(name) for detail in told for name in detail.get("files", ())]

    @property
    def draft_is_older(self) -> bool:
        """Whether the draft was written before the last evidence came in."""
        came = self.task.evidence_at
        return bool(self.draft and came and self.draft.updated_at < came)


def see(rt: Runtime, task_id: UUID, me: Person) -> Sight:
    """Look at a task. Raises NotFound."""
    with pages.snapshot(rt.database) as db:
        task = human_tasks.read(db, task_id)
        if task is None:
            raise NotFound(f"there is no human task {task_id}")
        data = in_order(rt, task.workflow, task.workflow_version, runs.data_of(db, task.run_id))
        events, comments = human_tasks.events_of(db, task_id), handling.comments(db, task_id)
        return Sight(
            task=task,
            now=clock.now(db),
            data=data,
            documents=documents_with_marks(documents_of(db, task.run_id, data), data, task.evidence),
            suggestion=suggested(db, task.run_id, task.step_seq, data) if task.kind == TaskKind.WORK else None,
            limits=limits.of(db, task, me),
            events=events,
            comments=comments,
            draft=handling.draft(db, task_id, me.username),
            names=_names(db, task, events, comments),
            order=_order(rt, task),
        )


def _names(db: Connection, task: HumanTask, events: Sequence[TaskEvent], comments: Sequence[Comment]) -> dict[str, str]:
    """The names of everybody the page speaks of."""
    who = {task.claimed_by, task.completed_by, *task.not_by, *(comment.author for comment in comments)}
    for event in events:
        who.add(event.actor.removeprefix("person:"))
        who |= {str(v) for k, v in (event.detail or {}).items() if k in ("to", "from", "claimed_by")}
    return answerers.names(db, sorted(each for each in who if each))


def _order(rt: Runtime, task: TaskInRun) -> Sequence[str]:
    """The names of a work task's fields as its workflow wrote them, if this process has that workflow."""
    found = rt.state_of(task.workflow, task.workflow_version, task.state)
    return (
        list(found[1].form.model_fields) if found and isinstance(found[1], Human) and task.kind == TaskKind.WORK else []
    )


def in_order(rt: Runtime, workflow: str, version: int, data: Any) -> Any:
    """A run's data in the order its workflow declares it; the store does not keep it."""
    found = rt.workflows.find(workflow, version)
    return ordered(data, list(found.data.model_fields)) if found and isinstance(data, Mapping) else data
