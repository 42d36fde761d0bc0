"""A run is pinned to its version: another meaning under the same version is refused while runs of it are unfinished."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from app.core.errors import InvalidDefinition
from app.core.workflow import Step, Workflow
from app.engine import definitions, start
from app.engine.runtime import Registry
from app.store.database import Database


class Nothing(BaseModel):
    pass


def pass_by(step: Any, data: Nothing) -> str:
    return "done"


def flow(timeout: str, version: int = 1) -> Workflow:
    step = Step("A", does=pass_by, then={"done": "COMPLETE"}, timeout=timeout)
    return Workflow(name="flow", version=version, data=Nothing, starts_at="A", states=[step])


def test_a_changed_definition_is_refused_only_while_runs_of_its_version_are_unfinished(database_url: str) -> None:
    database = Database(database_url, "worker")
    with database.transaction() as db:
        definitions.check(db, Registry((flow("1m"),)))
        definitions.check(db, Registry((flow("2m"),)))  # nothing ran yet: it may still change
        start.start(db, flow("2m"), subject="a", data={}, key=None, actor="test")
        definitions.check(db, Registry((flow("2m"),)))
        with pytest.raises(InvalidDefinition, match="version=2"):
            definitions.check(db, Registry((flow("3m"),)))
        definitions.check(db, Registry((flow("2m"), flow("3m", version=2))))
        db.execute("UPDATE runs SET status = 'COMPLETE'")
        definitions.check(db, Registry((flow("3m"),)))
    database.close()
