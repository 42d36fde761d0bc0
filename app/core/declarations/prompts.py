"""How a question to a model is declared. The law: a model gets a schema to answer in and tools that only read, or none.

A declaration is data, like a tool's: workflows name what is asked, the model edge (`app.agents`) asks it of whichever
provider the settings name, and the journal records every request under the prompt's version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import InvalidDefinition
from app.core.values.durations import seconds

RULES = "offline-rules/1"
"""The model's name where no model answered, but our own rules."""

Output = TypeVar("Output", bound=BaseModel)
Whole_co = TypeVar("Whole_co", bound=BaseModel, covariant=True)


class Brief(Protocol[Whole_co]):
    """A pydantic model that says less than an `output`, and can be made into one."""

    def whole(self) -> Whole_co: ...


Check = Callable[[Any, Mapping[str, Any]], Sequence[str]]
"""(answer, what was asked) → what is wrong with it, in sentences; none if it can be believed.

Where the prompt has tools, what was asked holds "tools": each answer they gave, as {"ref", "tool", "answer"}; a model is
told the same refs, so that an answer can cite them.
"""
Rule = Callable[[Mapping[str, Any]], BaseModel]
"""How the offline rules answer a prompt: (what was asked) → its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaits:
    """A signal a model may ask to wait for: the run is suspended, for days if need be, and its payload is the tool's result.

    event: the signal's name. about: when to wait for it, as the model is told. takes: what the model says when it
    asks; shown as the run's reason. expires: how long it is waited for; then the model is told that nothing came.
    """

    event: str
    about: str
    takes: type[BaseModel]
    expires: str | None = None

    @property
    def expires_seconds(self) -> float | None:
        return seconds(self.expires) if self.expires else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Generic[Output]):
    """A declared question.

    name, version: recorded with every request as "name/version"; change the version when anything below changes.
    instructions: what the model is told before it is given the facts. output: the only form of an answer.
    tools: what it may call on the way; each only reads. awaits: the signals it may ask to wait for, counted as tools.
    check: the semantic check of an answer, beyond its schema. render: how the request is put to a model; as JSON if None.
    requests: most model requests of one asking, corrections and tool rounds included. tool_calls: most tool calls.
    answer_tokens: most tokens of one answer; with what is sent, this is what a request reserves of the budget.
    timeout_seconds: longest one request may take. brief: a narrower form of the answer, asked of the small model on this
    machine, in at most `brief_tokens`; its `whole()` is the `output`. by_rules: answered by the offline rules whatever the
    settings say. rule: those rules, where the workflow has them; else `app.insurance.reading.rules.by_prompt` does.
    """

    name: str
    version: int
    instructions: str
    output: type[Output]
    tools: tuple[Tool, ...] = ()
    awaits: tuple[Awaits, ...] = ()
    check: Check | None = None
    render: Callable[[Mapping[str, Any]], str] | None = None
    requests: int = 3
    tool_calls: int = 0
    answer_tokens: int = 4096
    timeout_seconds: float = 120.0
    brief: type[Brief[Output]] | None = None
    brief_tokens: int = 1200
    by_rules: bool = False
    rule: Rule | None = None

    def __post_init__(self) -> None:
        if wrong := [tool.name for tool in self.tools if not tool.reads_only]:
            raise InvalidDefinition(f"prompt {self.name}: a model may only read, but {', '.join(wrong)} has an effect")
        if mute := [tool.name for tool in self.tools if not (tool.about and tool.takes)]:
            raise InvalidDefinition(
                f"prompt {self.name}: give {', '.join(mute)} `about` and `takes`, or no model can call it"
            )
        if self.requests < 1 or bool(self.tools or self.awaits) != (self.tool_calls > 0):
            raise InvalidDefinition(f"prompt {self.name}: give it requests >= 1, and tool_calls > 0 with tools only")

    @property
    def id(self) -> str:
        """What the journal calls it: "document_extraction/2"."""
        return f"{self.name}/{self.version}"
