"""A question that cannot be asked is refused where it is declared."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from app.core.declarations.prompts import Awaits, Prompt
from app.core.declarations.tools import Tool
from app.core.errors import InvalidDefinition


class Form(BaseModel):
    text: str


def _prompt(**more: Any) -> Prompt[Form]:
    return Prompt(name="question", version=2, instructions="", output=Form, **more)


READS = Tool("files.read", reads_only=True, about="Reads a file.", takes=Form)


def test_a_prompt_is_known_by_its_name_and_version() -> None:
    assert _prompt(tools=(READS,), tool_calls=1).id == "question/2"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"tools": (Tool("files.write", ask_a_person=True, about="x", takes=Form),), "tool_calls": 1}, "may only read"),
        ({"tools": (Tool("files.read", reads_only=True),), "tool_calls": 1}, "no model can call it"),
        ({"tools": (READS,)}, "tool_calls > 0"),
        ({"tool_calls": 1}, "tool_calls > 0"),
        ({"awaits": (Awaits(event="approval", about="x", takes=Form),)}, "tool_calls > 0"),
        ({"requests": 0}, "requests >= 1"),
    ],
)
def test_one_that_cannot_be_asked_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidDefinition, match=told):
        _prompt(**more)
