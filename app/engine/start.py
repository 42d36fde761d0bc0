"""Starting a run. The law: a run is a row committed in the caller's own transaction; the doorbell comes after, or the sweep.
What is refused has written nothing, its key included, even if the caller goes on and commits.

The same idempotency key with the same body gives the same run; with another body it is refused. The same subject
twice without a key is refused too, naming the run there is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.errors import BadInput, KeyReused, misfits
from app.core.lifecycle import EventKind, Status
from app.core.ports import Bell, Dispatcher
from app.core.values.durations import seconds
from app.core.workflow import Workflow
from app.store.database import Connection, all_or_nothing
from app.store.reads import finding
from app.store.records import request_keys
from app.store.runs import payloads, runs
from app.telemetry import logs

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Started:
    """A started run; `new` is False when the key or the subject had started it before."""

    run_id: UUID
    new: bool
    bell: Bell
    actor: str = ""
    at: datetime | None = None


def start(
    db: Connection,
    workflow: Workflow,
    *,
    subject: str,
    data: BaseModel | dict[str, Any],
    key: str | None,
    actor: str,
    priority: int = 0,
) -> Started:
    """Start a run of `workflow` for `subject` inside the transaction of `db`. Raises BadInput or KeyReused."""
    if not subject.strip() or len(subject) > 200:
        raise BadInput("subject must be 1 to 200 characters: it is how people will look the run up")
    if key is not None and not 0 < len(key) <= 200:
        raise BadInput("the idempotency key must be 1 to 200 characters")
    fitting = validated(workflow, data)
    text = payloads.boundary_text(fitting, what="data")
    run_id = ids.new_id()
    with all_or_nothing(db):
        if key is not None and (before := _before(db, workflow, key, subject, fitting, run_id)):
            return _started(workflow, before, new=False)
        at = runs.insert(
            db,
            run_id=run_id,
            workflow=workflow.name,
            version=workflow.version,
            definition_hash=workflow.definition_hash,
            subject=subject,
            route=workflow.route(workflow.starts_at),
            data=text,
            actor=actor,
            expected_seconds=seconds(workflow.expected),
            token_budget=workflow.token_budget,
            move_id=ids.new_token(),
            salt=secrets.token_hex(8),
            priority=priority,
        )
        if at is None:
            standing = runs.by_subject(db, workflow.name, subject)
            raise KeyReused(
                f"{subject!r} already has the run {standing.id if standing else '?'}; open that one, or use another subject"
            )
        if workflow.names is not None:
            finding.keep_names(db, run_id, workflow.names(fitting))
    return replace(_started(workflow, run_id, new=True), actor=actor, at=at)


def _body(workflow: Workflow, subject: str, said: BaseModel | dict[str, Any]) -> str:
    return digest(canonical([workflow.name, subject, canonical(said)]))


def _earlier_bodies(workflow: Workflow, subject: str, fitting: BaseModel) -> list[str]:
    """As earlier releases hashed the same body: with its defaults, in the type it has now or one that this type has grown from."""
    types = [kind for kind in type(fitting).__mro__ if issubclass(kind, BaseModel) and kind is not BaseModel]
    whole = [kind.model_construct(**{name: getattr(fitting, name) for name in kind.model_fields}) for kind in types]
    return [_body(workflow, subject, said) for said in whole]


def _before(
    db: Connection, workflow: Workflow, key: str, subject: str, fitting: BaseModel, run_id: UUID
) -> UUID | None:
    """The run that was started under this key before; None if the key is now that of `run_id`. Raises KeyReused."""
    scope = f"start:{workflow.name}"
    # What a later version of the workflow adds by itself makes no other body.
    body = _body(workflow, subject, fitting.model_dump(exclude_defaults=True))
    earlier = partial(_earlier_bodies, workflow, subject, fitting)
    while (answer := request_keys.reserve(db, scope, key, body, {"run_id": run_id}, also=earlier)) is not None:
        if runs.read(db, UUID(answer["run_id"])) is not None:
            return UUID(answer["run_id"])
        request_keys.free(db, scope, key, answer)  # a key of an earlier release may name a run that was refused
    return None


def fitting_or_refuse(model: type[Model], value: Any, *, what: str) -> Model:
    """A value in a model's type. Raises BadInput naming each field that does not fit."""
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        raise BadInput(f"{what}: {misfits(problem, what=what)}") from problem
    except RecursionError as problem:
        raise BadInput(f"{what} is nested too deeply; at most 64 levels are read") from problem


def validated(workflow: Workflow, data: BaseModel | dict[str, Any]) -> BaseModel:
    """The run's first data in the workflow's own type. Raises BadInput naming each field."""
    plain = data.model_dump() if isinstance(data, BaseModel) else data
    return fitting_or_refuse(workflow.data, plain, what=f"data of {workflow.name}")


def announce(dispatcher: Dispatcher, started: Started) -> bool:
    """After the commit: log the first transition of a new run, and ring. False if the broker was away: a sweep rings."""
    if started.new and started.at is not None:
        log_first(started.run_id, started.bell.state, started.actor, started.at)
    return dispatcher.ring([started.bell]) == 1


def log_first(run_id: UUID, state: str, actor: str, at: datetime) -> None:
    """The log line of a run's first transition."""
    logs.transition(
        run_id,
        state,
        at=at,
        seq=1,
        name=EventKind.STARTED.value,
        from_status="",
        to_status=Status.READY.value,
        to_state=state,
        actor=actor,
        reason=None,
    )


def _started(workflow: Workflow, run_id: UUID, *, new: bool) -> Started:
    route = workflow.route(workflow.starts_at)
    return Started(run_id, new, Bell(run_id, 1, workflow.name, route["state"], route["queue"]))
