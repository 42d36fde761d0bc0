"""A run is pinned to its version: another meaning under the same version is refused while runs of it are unfinished."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

import workflows
from app import application
from app.core.declarations.roles import Right, Role, Roles
from app.core.errors import InvalidDefinition
from app.core.workflow import Human, Request, Step, Workflow
from app.engine import definitions, start
from app.engine.control.stranded import stranded
from app.engine.runtime import Registry
from app.settings import Settings
from app.store import installation
from app.store.database import Connection, Database
from tests.workflows.test_readme_workflow import shown


class Nothing(BaseModel):
    pass


def pass_by(step: Any, data: Nothing) -> str:
    return "done"


class Something(BaseModel):
    policy: str


def flow(timeout: str = "1m", version: int = 1, data: type[BaseModel] = Nothing) -> Workflow:
    step = Step("A", does=pass_by, then={"done": "COMPLETE"}, timeout=timeout)
    return Workflow(name="flow", version=version, data=data, starts_at="A", states=[step])


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


def _stranded(db: Connection, workflow: Workflow) -> list[str]:
    return [found.why for found in stranded(installation.unfinished(db), Registry((workflow,)))]


@pytest.mark.parametrize("release", ["this one", "an earlier one"])
def test_a_required_field_under_the_same_version_is_refused_and_named_by_check(database_url: str, release: str) -> None:
    """Also where the runs began under a release that hashed no fields: its first start accepts them as they are, once."""
    database = Database(database_url, "worker")
    with database.transaction() as db:
        definitions.check(db, Registry((flow(),)))
        start.start(db, flow(), subject="a", data={}, key=None, actor="test")
        if release == "an earlier one":
            for table in ("runs", "workflow_definitions"):
                db.execute(f"UPDATE {table} SET definition_hash = split_part(definition_hash, '.', 1)")
        definitions.check(db, Registry((flow(),)))
        assert _stranded(db, flow()) == []
        with pytest.raises(
            InvalidDefinition, match=r"\(the fields of its data or of a form\) while runs of it are unfinished"
        ):
            definitions.check(db, Registry((flow(data=Something),)))
        (why,) = _stranded(db, flow(data=Something))
        assert "is not the definition it began with (the fields of its data or of a form)" in why
        db.execute("UPDATE runs SET status = 'COMPLETE'")
        definitions.check(db, Registry((flow(data=Something),)))
    database.close()


def ask(step: Any, data: Nothing) -> Request:
    return Request(title="?", note="")


def asking(role: str, doubts_to: str = "operator") -> Workflow:
    return Workflow(
        name="refund",
        version=3,
        data=Nothing,
        starts_at="ASKING",
        states=[
            Human("ASKING", asks=ask, form=Nothing, role=role, then={"pay": "PAYING"}),
            Step("PAYING", does=pass_by, doubts_to=doubts_to, then={"done": "COMPLETE"}),
        ],
    )


def test_a_role_that_nobody_declares_is_said_with_where_it_belongs() -> None:
    clerk = Roles((Role("clerk", frozenset({Right.READ})),))
    said = partial(definitions.undeclared, roles=clerk, application="shop.all:SHOP")
    assert said((asking("clerk"),)) == []
    assert said((asking("clerk"), asking("clark"))) == [
        (
            "refund v3 asks the role 'clark' in ASKING, which nobody declares; the roles are clerk, operator, auditor, admin. "
            "Declare it in `roles` of the application (shop.all:SHOP)"
        )
    ]
    (doubts,) = said((asking("clerk", doubts_to="foreman"),))
    assert "asks the role 'foreman' in PAYING" in doubts


def test_what_comes_with_the_product_asks_roles_it_declares() -> None:
    """So does the workflow that the README shows, under the application that a reader has who sets nothing."""
    config = Settings(database_url="postgresql:///none")
    served = (*workflows.WORKFLOWS, shown())
    assert definitions.undeclared(served, application.roles(config), application=config.application) == []
