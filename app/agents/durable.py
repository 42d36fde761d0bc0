"""Agents of pydantic-ai inside one step: the only module that knows its durable-execution interface.

The law: an agent's loop keeps nothing. Each of its model requests is a checkpoint of the step before it is sent; its
tools are the step's own durable calls; so the loop is simply run again, and goes on where the journal ends. The
library's calls are made on a loop of the step's own thread, the journal's on a helper thread beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_ai.durable_exec import (
    JSON_CODEC,
    BaseDurabilityCapability,
    DurabilityEngineSpec,
    DurableOperationBackend,
    DurableOperationId,
    JournalCallableOperationBackend,
    ModelRequestId,
    RoleBasedOperationConfig,
    conversation_id_from_run_id,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters

from app.core.errors import Unrecoverable

Sent = Callable[[], Awaitable[object]]
Requester = Callable[[Sequence[ModelMessage], ModelRequestParameters, Sent], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Bridge:
    """What a running agent is connected to: where its model requests go, and a name that is the same in every attempt."""

    place: str
    request: Requester


BRIDGE: ContextVar[Bridge | None] = ContextVar("longhaul_bridge", default=None)


class StepBackend(JournalCallableOperationBackend[None]):
    """Takes every model request of an agent to the step's journal. Tools run inline: they are durable themselves."""

    def __init__(self, agent_name: str) -> None:
        super().__init__(
            agent_name=agent_name,
            config=RoleBasedOperationConfig(model=None, event=None, capability=None, tool=None, resolve_tool=_inline),
        )

    async def execute(
        self,
        *,
        operation_id: DurableOperationId,
        name: str,
        body: Callable[[], Awaitable[object]],
        cache_key: tuple[object, ...],
        config: None,
    ) -> object:
        """One model request; anything else an agent of ours has no business doing."""
        bridge = BRIDGE.get()
        if bridge is None or not isinstance(operation_id, ModelRequestId):
            raise Unrecoverable(f"the agent asked for {name}, which no step journals")
        _model_id, messages, _settings, parameters, _context = cache_key
        assert isinstance(messages, list) and isinstance(parameters, ModelRequestParameters)
        return await bridge.request(messages, parameters, body)


def _inline(operation_id: DurableOperationId, tool: object | None, tool_name: str) -> Literal[False]:
    return False


class StepDurability(BaseDurabilityCapability[Any]):
    """Makes an agent durable in the step that runs it."""

    engine_spec = DurabilityEngineSpec(
        engine_name="Longhaul",
        durable_unit_noun="call",
        durable_container_noun="step",
        codec=JSON_CODEC,
        wrapped_toolset_kinds=frozenset({"function"}),
        toolset_lifecycles={"function": "enter-always"},
        unsupported_runtime_toolset_kinds=frozenset({"function", "mcp", "dynamic"}),
        sequential_tools_in_durable_context=True,
    )

    @property
    def in_durable_context(self) -> bool:
        return BRIDGE.get() is not None

    def get_default_run_id(self) -> str | None:
        bridge = BRIDGE.get()
        return bridge.place if bridge else None

    def get_default_conversation_id(self, run_id: str) -> str | None:
        return conversation_id_from_run_id(run_id) if self.in_durable_context else None

    def get_durable_operation_backend(self) -> DurableOperationBackend[None]:
        return StepBackend(self.name)


def journaled_response(payload: object) -> ModelResponse:
    """A recorded model response as the library knows it."""
    response: ModelResponse = JSON_CODEC.load(ModelResponse, payload)
    return response


async def beside(work: Callable[[Callable[[Sent], Any]], Any]) -> Any:
    """Run blocking `work` on a helper thread; it is handed a function that awaits something on this loop."""
    loop = asyncio.get_running_loop()

    def awaited(body: Sent) -> Any:
        async def run() -> Any:
            return await body()

        return asyncio.run_coroutine_threadsafe(run(), loop).result()

    return await asyncio.to_thread(work, awaited)
