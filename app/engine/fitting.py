"""What can be said of a run to be started before the database is asked: whether its data fit, and what makes it the same again.

The law: each error says what does not fit and where; of many runs, in which one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.errors import BadInput, KeyReused, misfits
from app.core.workflow import Workflow
from app.store.reads import finding
from app.store.runs import payloads
from app.store.runs.starts import New

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be started by `start_many`: its subject, its data, and its idempotency key if it has one."""

    subject: str
    data: BaseModel | dict[str, Any]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A run that may be started. `which`: how errors begin. `nameless`: why its names could not be read,
    which is an error only if there is no run of its key yet."""

    new: New
    fitting: BaseModel
    which: str
    nameless: Exception | None

    @contextmanager
    def named(self) -> Iterator[None]:
        """What is wrong with this run says so."""
        with _named(self.which):
            yield

    def refuse_if_nameless(self) -> None:
        """Raises what reading its names raised."""
        with self.named():
            if self.nameless is not None:
                raise self.nameless


@contextmanager
def _named(which: str) -> Iterator[None]:
    """Errors of one run of many begin with which of them it is."""
    try:
        yield
    except (BadInput, KeyReused) as problem:
        if not which:
            raise
        raise type(problem)(f"{which}{problem}") from problem


def checked(workflow: Workflow, asked: NewRun, which: str = "") -> Checked:
    """What can be said before the database is asked. Raises BadInput."""
    subject, key = asked.subject, asked.key
    with _named(which):
        if not subject.strip() or len(subject) > 200:
            raise BadInput("subject must be 1 to 200 characters: it is how people will look the run up")
        if key is not None and not 0 < len(key) <= 200:
            raise BadInput("the idempotency key must be 1 to 200 characters")
        fitting = validated(workflow, asked.data)
        text = payloads.boundary_text(fitting, what="data")
    # What a later version of the workflow adds by itself makes no other body.
    body = _body(workflow, subject, fitting.model_dump(exclude_defaults=True)) if key is not None else None
    names, nameless = None, None
    try:
        names = finding.as_names(workflow.names(fitting)) if workflow.names is not None else None
    except Exception as problem:  # a workflow's own code, whatever it raises
        nameless = problem
    new = New(id=ids.new_id(), subject=subject, data=text, key=key, body=body, names=names)
    return Checked(new, fitting, which, nameless)


def numbered(workflow: Workflow, many: Iterable[NewRun]) -> Iterator[Checked]:
    """Many runs checked one by one, as they are asked for. Raises BadInput, saying of which run."""
    for number, asked in enumerate(many, start=1):
        yield checked(workflow, asked, f"run {number}, {asked.subject!r}: ")


def _body(workflow: Workflow, subject: str, said: BaseModel | dict[str, Any]) -> str:
    return digest(canonical([workflow.name, subject, canonical(said)]))


def earlier_bodies(workflow: Workflow, subject: str, fitting: BaseModel) -> list[str]:
    """As earlier releases hashed the same body: with its defaults, in the type it has now or one that this type has grown from."""
    types = [kind for kind in type(fitting).__mro__ if issubclass(kind, BaseModel) and kind is not BaseModel]
    whole = [kind.model_construct(**{name: getattr(fitting, name) for name in kind.model_fields}) for kind in types]
    return [_body(workflow, subject, said) for said in whole]


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
