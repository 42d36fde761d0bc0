"""A human task as a person sees it: the task and all that is shown beside it, as of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.errors import NotFound
from app.core.workflow import Human
from app.engine.runtime import Runtime
from app.humans import people
from app.store import human_tasks, pages, runs
from app.web import form_fields
from app.web.documents import documents_of
from app.web.form_fields import FormField
from app.web.show import ordered


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A task and all that is shown beside it, as of one moment."""

    task: Mapping[str, Any]
    now: datetime
    data: Any
    documents: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    order: Sequence[str]

    def fields(self, typed: Mapping[str, str] | None = None) -> list[FormField]:
        """The form, with what was typed into it."""
        return form_fields.fields_of(self.task["form"], self.task["defaults"], typed, order=self.order)


def see(rt: Runtime, task_id: UUID) -> Sight:
    """Look at a task. Raises NotFound."""
    with pages.snapshot(rt.database) as db:
        task = human_tasks.read(db, task_id)
        if task is None:
            raise NotFound(f"there is no human task {task_id}")
        data = runs.data_of(db, task["run_id"])
        return Sight(
            task=task,
            now=pages.now(db),
            data=in_order(rt, task["workflow"], task["workflow_version"], data),
            documents=documents_of(db, task["run_id"], data),
            events=human_tasks.events_of(db, task_id),
            names={person.username: person.display_name for person in people.everyone(db)},
            order=_order(rt, task),
        )


def _order(rt: Runtime, task: Mapping[str, Any]) -> Sequence[str]:
    """The names of a work task's fields as its workflow wrote them, if this process has that workflow."""
    found = rt.state_of(task["workflow"], task["workflow_version"], task["state"])
    return list(found[1].form.model_fields) if found and isinstance(found[1], Human) and task["kind"] == "work" else []


def in_order(rt: Runtime, workflow: str, version: int, data: Any) -> Any:
    """A run's data in the order its workflow declares it; the store does not keep it."""
    found = rt.workflows.find(workflow, version)
    return ordered(data, list(found.data.model_fields)) if found and isinstance(data, Mapping) else data
