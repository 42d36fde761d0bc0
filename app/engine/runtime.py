"""What one process works with, put together by `app.bootstrap` and handed down; nothing here is global."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from app.core.declarations.roles import Roles
from app.core.errors import BadInput, NotFound
from app.core.ids import new_id
from app.core.ports import Dispatcher, ModelProvider, ToolCode
from app.core.workflow import State, Workflow
from app.documents.storage import DocumentStore
from app.engine.clock import Clock
from app.engine.holdings import Holdings
from app.engine.onward import Onward
from app.settings import Settings
from app.store.database import Database
from app.store.journal.journal import Journal


class Registry:
    """The workflows this process has, by name and version. Raises BadInput if two have the same."""

    def __init__(self, workflows: tuple[Workflow, ...]) -> None:
        self._by_key: dict[tuple[str, int], Workflow] = {}
        for workflow in workflows:
            if (workflow.name, workflow.version) in self._by_key:
                raise BadInput(
                    f"{workflow.name} v{workflow.version} is registered twice; raise the version of the changed one"
                )
            self._by_key[workflow.name, workflow.version] = workflow
        self._patience: dict[tuple[str, str], float] = {}
        for workflow in workflows:
            for state in workflow.states:
                of_others = self._patience.get((workflow.name, state.name), 0.0)
                self._patience[workflow.name, state.name] = max(of_others, state.timeout_seconds)

    def __iter__(self) -> Any:
        return iter(self._by_key.values())

    def find(self, name: str, version: int) -> Workflow | None:
        """The workflow of exactly this version, if this process has it."""
        return self._by_key.get((name, version))

    def newest(self, name: str) -> Workflow:
        """The version new runs start with. Raises NotFound with the names there are."""
        versions = [version for known, version in self._by_key if known == name]
        if not versions:
            known = ", ".join(sorted({known for known, _ in self._by_key}))
            raise NotFound(f"there is no workflow {name!r}; the workflows are: {known}")
        return self._by_key[name, max(versions)]

    def patience_seconds(self, name: str, state: str) -> float:
        """The longest time-out any version gives a state: what a lease is taken for before the version is known."""
        return self._patience.get((name, state), 300.0)


@dataclass
class Runtime:
    """One process's settings, doors and belongings."""

    settings: Settings
    database: Database
    journal: Journal
    workflows: Registry
    tools: Mapping[str, ToolCode]
    dispatcher: Dispatcher
    roles: Roles = field(default_factory=Roles)
    provider: ModelProvider | None = None
    worker_id: UUID = field(default_factory=new_id)
    holdings: Holdings = field(default_factory=Holdings)
    onward: Onward = field(init=False)  # of a worker with threads; elsewhere no thread goes on
    clock: Clock = field(default_factory=Clock)
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        self.onward = Onward(self.holdings)

    @cached_property
    def documents(self) -> DocumentStore:
        """Where documents and letters lie."""
        return DocumentStore.of(self.settings)

    @property
    def actor(self) -> str:
        return f"worker:{self.worker_id}"

    def state_of(self, workflow: str, version: int, state: str) -> tuple[Workflow, State] | None:
        """The definition of a run's state, if this process has the run's version."""
        found = self.workflows.find(workflow, version)
        return (found, found.by_name[state]) if found and state in found.by_name else None
