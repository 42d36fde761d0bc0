"""What a version means: its data and its forms too; never the prose in them, nor who wrote the schema down."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydantic import BaseModel, Field

from app.core.definition import difference
from app.core.workflow import Human, Request, Step, Workflow


class Part(BaseModel):
    title: str
    amount: int = Field(ge=0)


class Data(BaseModel):
    """As it was."""

    name: str
    parts: list[Part] = []


class Form(BaseModel):
    comment: str = ""


def _asks(step: Any, data: Any) -> Request:
    return Request(title="", note="")


def _does(step: Any, data: Any) -> str:
    return "done"


def text(data: type[BaseModel] = Data, form: type[BaseModel] = Form, timeout: str = "1m") -> str:
    # One name each, as if the class had been edited in its place.
    for model, name in ((data, "Data"), (form, "Form")):
        model.__qualname__ = model.__name__ = name
    states = [
        Human("ASKING", form=form, role="adjuster", asks=_asks, then={"yes": "A"}),
        Step("A", does=_does, then={"done": "COMPLETE"}, timeout=timeout),
    ]
    return Workflow(name="flow", version=1, data=data, starts_at="ASKING", states=states).definition_hash


BEFORE = text()


def _with(**fields: Any) -> type[BaseModel]:
    return type(
        "Changed",
        (Data,),
        {
            "__annotations__": {k: v[0] for k, v in fields.items()},
            "__module__": __name__,
            **{k: v[1] for k, v in fields.items()},
        },
    )


class _Narrower(BaseModel):
    title: str = Field(max_length=3)
    amount: int = Field(ge=0)


@pytest.mark.parametrize(
    "changed",
    [
        _with(policy=(str, ...)),
        _with(policy=(str, "")),
        _with(name=(int, ...)),
        _with(name=(str, Field(max_length=3))),
        _with(parts=(list[_Narrower], [])),
        _with(title=(str, ...)),  # a field that is called as a title of a schema is
    ],
    ids=["a required field", "an optional one", "another type", "a limit", "a limit within", "a field called title"],
)
def test_other_fields_are_another_meaning(changed: type[BaseModel]) -> None:
    assert difference(BEFORE, text(changed)) == "the fields of its data or of a form"
    assert difference(BEFORE, text(form=changed)) == "the fields of its data or of a form"


def test_another_route_or_time_out_is_another_meaning() -> None:
    assert difference(BEFORE, text(timeout="2m")) == "its states, routes or time-outs"


def test_prose_and_order_mean_nothing() -> None:
    class Told(BaseModel):
        """As it reads now."""

        parts: list[Part] = Field(default=[], title="Parts", description="What is broken", examples=[[]])
        name: str = Field(description="Whose")

    assert text(Told) == BEFORE


def test_what_an_earlier_release_or_another_pydantic_wrote_down_strands_nobody() -> None:
    moves, schemas, _ = BEFORE.split(".")
    assert difference(moves, BEFORE) is None
    assert difference(f"{moves}.{'0' * 64}.pydantic-1-0", BEFORE) is None
    assert difference(f"{'0' * 64}", BEFORE)
    assert difference(f"{'0' * 64}.{schemas}.pydantic-1-0", BEFORE)


def test_a_type_that_json_cannot_describe_is_no_obstacle() -> None:
    class Odd(BaseModel, arbitrary_types_allowed=True):
        name: str
        odd: object = Field(default_factory=object)
        pattern: BaseException | None = None

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(BEFORE, text(Odd))
