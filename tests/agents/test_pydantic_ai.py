"""What we rely on of pydantic-ai's durable-execution interface. A new version that changes it turns this red first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, FunctionToolset, ToolOutput, UsageLimits
from pydantic_ai.durable_exec import external_event_scope
from pydantic_ai.exceptions import UsageLimitExceeded
from pydantic_ai.external_events import wait_for_external_event
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.tools import Tool as AgentTool
from pydantic_ai.usage import RequestUsage

from app.agents.agents import TOOLS
from app.agents.durable import BRIDGE, Bridge, SignalWaiter, StepBackend, StepDurability, journaled_response
from app.agents.model_loop import model_loop
from app.agents.step_thread import Sent, StepThread
from app.core.errors import Unrecoverable
from tests.support.askings import MemoryAsking


class Verdict(BaseModel):
    outcome: str


class Journal:
    """Records model requests in memory and replays them."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self.sent = self.at = 0
        self.order: list[str] = []

    async def request(self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters, send: Sent) -> object:
        self.order.append("request")
        if self.at == len(self.kept):
            self.sent += 1
            self.kept.append(await send())
        self.at += 1
        return self.kept[self.at - 1]


def _run(journal: Journal, **limits: Any) -> Any:
    """An agent that calls its tool twice in one response, then answers."""

    async def called(number: str) -> str:
        journal.order.append(f"tool {number}")
        assert BRIDGE.get() is not None, "a tool runs outside of its step"
        return number

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        used = RequestUsage(input_tokens=5, output_tokens=3)
        if len(messages) == 1:
            calls = [ToolCallPart("look", {"number": n}, tool_call_id=n) for n in ("1", "2")]
            return ModelResponse(parts=calls, usage=used)
        return ModelResponse(parts=[ToolCallPart("answer", {"outcome": "pay"}, tool_call_id="3")], usage=used)

    schema = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}
    look = AgentTool.from_schema(called, "look", "", schema, sequential=True)
    agent: Agent[None, Verdict] = Agent(
        FunctionModel(model),
        name="judgement",
        output_type=ToolOutput(Verdict, name="answer"),
        toolsets=[FunctionToolset([look], id=TOOLS)],
        capabilities=[StepDurability()],
    )
    token = BRIDGE.set(Bridge("run.1.1", journal.request))
    try:
        return asyncio.run(agent.run("?", usage_limits=UsageLimits(**limits)))
    finally:
        BRIDGE.reset(token)


def test_every_model_request_goes_through_the_journal_and_tools_run_one_after_another() -> None:
    journal = Journal()
    result = _run(journal)
    assert journal.order == ["request", "tool 1", "tool 2", "request"]
    assert result.output == Verdict(outcome="pay")
    assert result.run_id == "run.1.1"


def test_a_replay_sends_nothing_and_ends_the_same() -> None:
    journal = Journal()
    first = _run(journal)
    journal.at = 0
    again = _run(journal)
    assert journal.sent == 2
    assert again.output == first.output
    assert again.usage == first.usage
    assert journaled_response(journal.kept[0]).usage.input_tokens == 5


def test_the_limits_count_replayed_requests_and_tool_calls_too() -> None:
    journal = Journal()
    _run(journal)
    for limit in ({"request_limit": 1}, {"tool_calls_limit": 1}):
        journal.at = 0
        with pytest.raises(UsageLimitExceeded):
            _run(journal, **limit)
    assert journal.sent == 2


def test_an_error_of_the_journal_comes_out_as_it_is() -> None:
    class Broken(Journal):
        async def request(self, *args: Any) -> object:
            raise Unrecoverable("no")

    with pytest.raises(Unrecoverable, match="no"):
        _run(Broken())


def test_the_names_by_which_the_library_knows_our_operations_are_pinned() -> None:
    assert TOOLS == "longhaul"
    durability = StepDurability()
    agent: Agent[None, str] = Agent(
        FunctionModel(lambda m, i: ModelResponse(parts=[])),
        name="judgement",
        toolsets=[FunctionToolset([], id=TOOLS)],
        capabilities=[durability],
    )
    bound = StepDurability.from_agent(agent)
    assert bound is not None and bound.name == "judgement"
    assert list(bound._toolsets_by_id) == ["<agent>", "longhaul"]
    assert isinstance(bound.get_durable_operation_backend(), StepBackend)


def test_only_model_requests_are_journaled_by_the_library() -> None:
    async def work() -> None:
        await StepBackend("x").execute(
            operation_id=object(),  # type: ignore[arg-type]
            name="anything else",
            body=_nothing,
            cache_key=(),
            config=None,
        )

    with pytest.raises(Unrecoverable, match="anything else"):
        asyncio.run(work())


async def _nothing() -> object:
    return None


def test_what_is_asked_of_the_outside_is_asked_once_and_its_answer_replayed() -> None:
    asking, tokens, thread = MemoryAsking(), list[str](), StepThread(model_loop())

    async def work() -> Any:
        with external_event_scope(SignalWaiter(asking, thread)):
            return await wait_for_external_event("approval", ask=tokens.append, timeout=timedelta(days=1))

    asking.signals["approval"] = {"signals": [{"payload": "a"}, {"payload": "b"}]}
    assert thread.run(work()) == ["a", "b"]
    asking.again()
    assert thread.run(work()) == ["a", "b"]
    assert tokens == ["memory.1:approval"]
