"""A definition that cannot work is refused when it is made, with the reason; one that works knows its routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import InvalidDefinition
from app.core.workflow import Children, Human, Request, State, Step, Timer, Wait, Workflow


class Data(BaseModel):
    n: int = 0


def work(step: Any, data: Data) -> str:
    return "done"


def ask(step: Any, data: Data) -> Request:
    return Request(title="t", note="n")


def make(*states: State, starts_at: str = "A", **more: Any) -> Workflow:
    return Workflow(name="w", version=1, data=Data, starts_at=starts_at, states=states, **more)


A = Step("A", does=work, then={"done": "COMPLETE"})


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([Step("A", does=work, then={"done": "NOWHERE"})], "which does not exist"),
        ([Step("A", does=work, then={})], "no outcome"),
        ([A, Step("B", does=work, then={"done": "COMPLETE"})], "no outcome leads to B"),
        ([Step("a", does=work, then={"done": "COMPLETE"})], "capitals"),
        ([A, A], "used twice"),
        ([Step("A", does=work, then={"done": "A"})], "no ending"),
        ([Step("A", does=work, then={"done": "COMPLETE"}, pool="gpu")], "the pools are"),
        ([Step("A", does=work, then={"done": "COMPLETE"}, timeout="soon")], "no duration"),
        ([Step("A", does=work, then={"done": "COMPLETE"}, timeout="0s")], "not positive"),
        ([Wait("A", event="paper", then={"other": "B"}), Step("B", does=work, then={"done": "COMPLETE"})], "its event"),
        (
            [Wait("A", event="p", expires="1d", then={"p": "B"}), Step("B", does=work, then={"done": "COMPLETE"})],
            "'expired'",
        ),
        (
            [Wait("A", event="p", then={"p": "B", "expired": "B"}), Step("B", does=work, then={"done": "COMPLETE"})],
            "never expires",
        ),
        ([Wait("A", event="p", then={"p": "COMPLETE"})], "only a Step may end"),
        ([Timer("A", lasts="1d", then={"late": "B"}), Step("B", does=work, then={"done": "COMPLETE"})], "'due'"),
        (
            [
                Human("A", form=Data, role="r", asks=ask, expires="1d", then={"expired": "B"}),
                Step("B", does=work, then={"done": "COMPLETE"}),
            ],
            "no outcome a person could choose",
        ),
        (
            [
                Children("A", starts=lambda s, d: [], then={"done": "B"}),
                Step("B", does=work, then={"done": "COMPLETE"}),
            ],
            "'ended'",
        ),
    ],
)
def test_a_definition_that_cannot_work_is_refused_at_import(states: Sequence[State], reason: str) -> None:
    with pytest.raises(InvalidDefinition, match=reason):
        make(*states)


def test_a_start_that_is_no_state_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="starts at 'B'"):
        make(A, starts_at="B")


def test_the_hash_changes_with_anything_that_decides_how_a_run_moves() -> None:
    slower = Step("A", does=work, then={"done": "COMPLETE"}, timeout="6m")
    assert make(A).definition_hash == make(A).definition_hash
    assert make(A).definition_hash != make(slower).definition_hash


def test_routes_say_where_an_outcome_leads_without_workflow_code() -> None:
    two = make(
        Step("A", does=work, then={"done": "B"}), Step("B", does=work, then={"done": "COMPLETE"}, pool="documents")
    )
    assert two.routes(two.by_name["A"]) == {"done": {"state": "B", "queue": "documents.w.v1"}}
    assert two.route("COMPLETE") == {"state": "COMPLETE", "ends": "COMPLETE"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reads_only": True, "irreversible": True},
        {"reads_only": True, "ask_a_person": True},
        {"idempotent_for": "soon"},
    ],
)
def test_a_tool_that_does_not_say_what_becomes_of_an_unknown_outcome_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinition):
        Tool("payments.pay", **more)
