"""What workflows require of a worker: found in what their functions name, and said before it takes a lease."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

import workflows
from app import application
from app.core.declarations.prompts import Prompt
from app.core.declarations.roles import Right, Role, Roles
from app.core.declarations.tools import Tool
from app.core.workflow import Human, Request, Step, Workflow
from app.documents.storage import DocumentStore
from app.engine.required import missing, tools_of
from app.settings import Settings
from app.store.database import Database
from tests.support import small_workflows
from tests.workflows.test_readme_workflow import shown

PAY, LOOK = Tool("shop.pay", idempotent_for="24h"), Tool("shop.look", reads_only=True, about="Looks.", takes=BaseModel)
BY_KIND = {"look": LOOK}


class Nothing(BaseModel):
    pass


ASKED = Prompt(name="asked", version=1, instructions="", output=Nothing, tools=(LOOK,), tool_calls=1)


def none(step: Any, data: Nothing) -> str:
    return str(data.pay)  # type: ignore[attr-defined]  # what it is called is no name of a tool


def pay(step: Any, data: Nothing, tool: Tool = PAY) -> str:
    return str(step.call(tool))


def through_another(step: Any, data: Nothing) -> str:
    return "".join(pay(step, data) for _ in range(2))


def by_prompt(step: Any, data: Nothing) -> str:
    return str(step.ask(ASKED, {}))


def by_table(step: Any, data: Nothing) -> str:
    return str(step.call(BY_KIND["look"]))


def through_a_module(step: Any, data: Nothing) -> str:
    return small_workflows.pay(step, "fee")


def enclosed(tool: Tool) -> Callable[[Any, Nothing], str]:
    return lambda step, data: str(step.call(tool))


class Desk:
    def __init__(self) -> None:
        self.paid = 0

    def pay(self, step: Any, data: Nothing) -> str:
        return str(step.call(PAY))


def through_a_class(step: Any, data: Nothing) -> str:
    return Desk().pay(step, data)


@pytest.mark.parametrize(
    ("does", "named"),
    [
        (none, set()),
        (pay, {"shop.pay"}),
        (through_another, {"shop.pay"}),
        (by_prompt, {"shop.look"}),
        (by_table, {"shop.look"}),
        (through_a_module, {"payments.pay"}),
        (enclosed(LOOK), {"shop.look"}),
        (partial(pay, tool=LOOK), {"shop.pay", "shop.look"}),
        (Desk().pay, {"shop.pay"}),
        (through_a_class, {"shop.pay"}),
    ],
)
def test_a_tool_is_found_wherever_a_states_functions_name_it(does: Any, named: set[str]) -> None:
    assert tools_of(Step("A", does=does, then={"done": "COMPLETE"})) == named


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
            Step("PAYING", does=pay, doubts_to=doubts_to, then={"paid": "COMPLETE"}),
        ],
    )


def test_what_is_missing_is_said_with_where_it_belongs() -> None:
    clerk = Roles((Role("clerk", frozenset({Right.READ})),))
    said = partial(missing, tools={PAY.name: None}, roles=clerk, application="shop.all:SHOP")
    assert said((asking("clerk"),)) == []
    (role,) = said((asking("clark"),))
    assert role == (
        "refund v3 asks the role 'clark' in ASKING, which nobody declares; the roles are clerk, operator, auditor, admin. "
        "Declare it in `roles` of the application (shop.all:SHOP)"
    )
    (doubts,) = said((asking("clerk", doubts_to="foreman"),))
    assert "asks the role 'foreman' in PAYING" in doubts
    (tool,) = said((asking("clerk"),), tools={})
    assert tool == (
        "refund v3 calls the tool shop.pay in PAYING, and no code is bound to it. "
        "Bind it in `tools` of the application (shop.all:SHOP)"
    )


def test_what_comes_with_the_product_has_all_it_requires_and_binds_no_more() -> None:
    """So does the workflow that the README shows, under the application that a reader has who sets nothing."""
    config = Settings(database_url="postgresql:///none")
    comes = application.installed(config)
    bound = comes.tools(config, Database(config.database_url, "worker"), DocumentStore.of(config))
    served = (*workflows.WORKFLOWS, shown())
    assert missing(served, tools=bound, roles=application.roles(config), application=config.application) == []
    assert {tool for workflow in served for state in workflow.states for tool in tools_of(state)} == set(bound)
