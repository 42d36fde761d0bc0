"""The agents of a process: one for each question and model, made once and run by every asking of it.

The law: an agent holds what its prompt declares and nothing of an asking; that comes as the run's `deps`. So a thousand
steps that wait hold what they asked, and not a thousand agents beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

from pydantic import ValidationError
from pydantic_ai import Agent, FunctionToolset, ModelRetry, NativeOutput, RunContext, ToolOutput
from pydantic_ai.durable_exec import ExternalEventError
from pydantic_ai.external_events import wait_for_external_event
from pydantic_ai.tools import Tool as AgentTool

from app.agents.choices import LOCAL, Chosen
from app.agents.clients import Clients
from app.agents.durable import StepDurability
from app.core.declarations.prompts import Awaits, Prompt
from app.core.declarations.tools import Tool

ANSWER = "answer"  # the output tool's name
TOOLS = "longhaul"  # the toolset's id
KEPT = 64  # agents: prompts are declared, so there are few; one made up for each asking must not pile up

Fixed: TypeAlias = Mapping[str, Mapping[str, Any]]


class InWork(Protocol):
    """The asking that runs an agent."""

    async def problems(self, answer: Any) -> list[str]:
        """Why an answer cannot be believed."""
        ...

    async def used(self, tool: Tool, said: Mapping[str, Any]) -> dict[str, Any]:
        """What a tool answered, and the name it is cited by. Raises ModelRetry if it cannot be called so."""
        ...

    def says(self, said: Any) -> None:
        """What the model says about the wait that it begins."""
        ...


Running: TypeAlias = RunContext[InWork]


def agent(clients: Clients, chosen: Chosen, prompt: Prompt[Any], fixed: Fixed) -> Agent[InWork, Any]:
    """The agent that asks a prompt of a model; of `fixed` it knows the names alone. Only on the clients' loop."""
    key = (chosen, id(prompt), tuple((tool, *given) for tool, given in fixed.items()))
    kept = clients.agents.pop(key, None) or (prompt, _made(clients, chosen, prompt, fixed))  # kept, its id is its own
    clients.agents[key] = kept
    while len(clients.agents) > KEPT:
        del clients.agents[next(iter(clients.agents))]  # those that nobody asked for longest
    made: Agent[InWork, Any] = kept[1]
    return made


def brief(chosen: Chosen, prompt: Prompt[Any]) -> type[Any] | None:
    """The narrower form in which a model answers a prompt, if it does."""
    return prompt.brief if chosen.kind == LOCAL else None


def answer_tokens(chosen: Chosen, prompt: Prompt[Any]) -> int:
    """Most tokens of one answer."""
    return prompt.brief_tokens if brief(chosen, prompt) else prompt.answer_tokens


def _made(clients: Clients, chosen: Chosen, prompt: Prompt[Any], fixed: Fixed) -> Agent[InWork, Any]:
    form = brief(chosen, prompt) or prompt.output
    output: Any = NativeOutput(form) if chosen.native_output else ToolOutput(form, name=ANSWER)
    tools = [*(_tool(tool, fixed.get(tool.name, {})) for tool in prompt.tools), *map(_awaits, prompt.awaits)]
    made: Agent[InWork, Any] = Agent(
        clients.model(chosen),
        name=prompt.name,
        instructions=prompt.instructions,
        output_type=output,
        model_settings={
            "max_tokens": answer_tokens(chosen, prompt),
            "temperature": 0.0,
            "timeout": prompt.timeout_seconds,
        },
        retries=prompt.requests,
        toolsets=[FunctionToolset(tools, id=TOOLS)] if tools else [],
        capabilities=[StepDurability()],
    )

    @made.output_validator
    async def believed(running: Running, answer: Any) -> Any:
        if problems := await running.deps.problems(answer):
            raise ModelRetry("The answer cannot be believed:\n" + "\n".join(f"- {p}" for p in problems))
        return answer

    return made


def _tool(tool: Tool, given: Mapping[str, Any]) -> AgentTool[InWork]:
    """A tool as a model is told of it: without the parameters that are not its to choose."""
    assert tool.takes is not None

    async def called(running: Running, **said: Any) -> Any:
        return await running.deps.used(tool, said)

    schema = tool.takes.model_json_schema()
    schema["properties"] = {k: v for k, v in schema.get("properties", {}).items() if k not in given}
    schema["required"] = [name for name in schema.get("required", []) if name not in given]
    return AgentTool.from_schema(called, tool_name(tool.name), tool.about, schema, takes_ctx=True, sequential=True)


def _awaits(awaits: Awaits) -> AgentTool[InWork]:
    async def waited(running: Running, **said: Any) -> Any:
        try:
            checked = awaits.takes.model_validate(said)
        except ValidationError as problem:
            raise ModelRetry(f"{awaits.event} was not waited for: {wrong(problem)}") from problem
        running.deps.says(checked.model_dump(mode="json"))
        patience = awaits.expires_seconds
        try:
            return await wait_for_external_event(
                awaits.event, ask=_of_nobody, timeout=timedelta(seconds=patience) if patience else None
            )
        except ExternalEventError as nothing:
            return str(nothing)

    name, schema = f"wait_for_{tool_name(awaits.event)}", awaits.takes.model_json_schema()
    return AgentTool.from_schema(waited, name, awaits.about, schema, takes_ctx=True, sequential=True)


async def _of_nobody(_token: str) -> None:
    """What a wait asks of the outside: nothing, the run's own reason says what it waits for."""


def tool_name(name: str) -> str:
    """A tool's name as models may spell it: no dots."""
    return name.replace(".", "_")


def wrong(problem: ValidationError) -> str:
    """What does not fit a schema, field by field; never the values, for this reaches the logs."""
    errors = problem.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the answer'}: {e['msg']}" for e in errors[:20])
