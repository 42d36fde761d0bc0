"""What one company adds to Longhaul, as one object. The law: the product knows an application by this object alone.

Each part is a function, called by the process that needs it, so that none loads what it does not use. Which object it
is, the setting `application` says; the one that comes with Longhaul stands in `app.installed`. A part that is left out
is empty, and the product works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from app.core.declarations.roles import Role, Roles
from app.core.errors import BadInput

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter

    from app.accounts.people import Person
    from app.core.declarations.prompts import Rule
    from app.core.ports import ToolCode
    from app.core.workflow import Workflow
    from app.diagnosis.check import Check
    from app.documents.storage import DocumentStore
    from app.engine.runtime import Runtime
    from app.settings import Settings
    from app.store.database import Connection, Database
    from app.store.reads.glance import RunDetail


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the run page. template: draws it, from `panel` and the run. values: what it shows, None for nothing.

    id, title: where the page's list of contents leads, and how it calls it.
    """

    id: str
    title: str
    template: str
    values: Callable[[Connection, Runtime, RunDetail, Person], Any | None]


@dataclass(frozen=True, slots=True)
class StandIn:
    """An outside service that the embedded stack brings where the settings name none.

    setting: the name of its URL in the settings. command: its program; `--port` and the like come by the environment.
    """

    name: str
    setting: str
    command: tuple[str, ...]


def _nothing(*_: Any) -> tuple[()]:
    return ()


def _no_names(*_: Any) -> Mapping[str, Any]:
    return {}


def _undone(*_: Any) -> None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """What an application adds.

    workflows: all versions that are served. tools: the code behind each tool they declare. rules: who answers a prompt
    without a model, by the prompt's name. pages, panels, api: what it adds to the pages, to the run page and to the API.
    templates: packages whose `templates/` and `static/` the pages find too. commands: groups of `longhaul`.
    roles: what its people act as, besides the product's own; a worker refuses to start while a workflow asks another.
    migrate: brings its own tables to their newest version. seed: what the embedded stack begins with, given the data
    folder. stand_ins: outside services. checks: looks at them for `doctor`, given which of them the stack here runs.
    """

    workflows: Callable[[], tuple[Workflow, ...]] = _nothing
    tools: Callable[[Settings, Database, DocumentStore], Mapping[str, ToolCode]] = _no_names
    rules: Callable[[], Mapping[str, Rule]] = _no_names
    pages: Callable[[], Sequence[APIRouter]] = _nothing
    panels: Callable[[], Sequence[Panel]] = _nothing
    templates: tuple[str, ...] = ()
    api: Callable[[], Sequence[APIRouter]] = _nothing
    commands: Callable[[], Sequence[typer.Typer]] = _nothing
    roles: tuple[Role, ...] = ()
    migrate: Callable[[str], None] = _undone
    seed: Callable[[str, Path], None] = _undone
    stand_ins: tuple[StandIn, ...] = ()
    checks: Callable[[Settings, Collection[str]], Mapping[str, Callable[[], Check]]] = _no_names


NONE = Application()
"""Nothing added: workflows come from the setting `workflows` alone."""


def installed(settings: Settings) -> Application:
    """The application the settings name. Raises BadInput if there is none of that name."""
    return named(settings.application)


def workflows(settings: Settings) -> tuple[Workflow, ...]:
    """The application's workflows, and those the settings name besides. Raises BadInput if one cannot be loaded."""
    return (*installed(settings).workflows(), *besides(settings))


def besides(settings: Settings) -> tuple[Workflow, ...]:
    """The workflows that the settings name besides the application's. Raises BadInput if one cannot be loaded."""
    names = filter(None, (name.strip() for name in settings.workflows.split(",")))
    return tuple(_object("LONGHAUL_WORKFLOWS", name) for name in names)


def roles(settings: Settings) -> Roles:
    """The application's roles, and the product's. Raises BadInput if two have one name."""
    return Roles(installed(settings).roles)


@lru_cache(maxsize=8)
def named(dotted: str) -> Application:
    """The application of a dotted name, "package.module:NAME". Raises BadInput if there is none."""
    found = _object("LONGHAUL_APPLICATION", dotted)
    if not isinstance(found, Application):
        raise BadInput(f"LONGHAUL_APPLICATION: {dotted!r} is no app.application.Application")
    return found


def _object(variable: str, dotted: str) -> Any:
    try:
        return resolve_name(dotted)
    except (ImportError, AttributeError, ValueError) as problem:
        raise BadInput(f"{variable}: {dotted!r} cannot be loaded: {problem}. Write package.module:NAME") from problem
