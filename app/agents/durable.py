"""Agents of pydantic-ai inside one step: the only module that knows its durable-execution interface.

The law: an agent's loop keeps nothing. Each of its model requests is a checkpoint of the step before it is sent; its
tools are the step's own durable calls; so the loop is simply run again, and goes on where the journal ends. The
library's code runs on the one event loop of the process, whatever blocks in the step's own thread beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import JsonValue
from pydantic_ai.durable_exec import (
    JSON_CODEC,
    BaseDurabilityCapability,
    DurabilityEngineSpec,
    DurableOperationBackend,
    DurableOperationId,
    ExternalEventError,
    ExternalEventWaiter,
    JournalCallableOperationBackend,
    ModelRequestId,
    RoleBasedOperationConfig,
    conversation_id_from_run_id,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters

from app.agents.step_thread import Sent, StepThread
from app.core.errors import Unrecoverable
from app.core.ports import Asking

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


class SignalWaiter(ExternalEventWaiter):
    """Lets an agent wait for a signal of its run: the run is suspended meanwhile, for days if need be, without a process.

    The name of a wait is the signal's name. What `ask` does with the token (the run and the signal to send it) is
    journaled, so it is done once; what it answers at once is taken for the payload.
    """

    def __init__(self, asking: Asking, thread: StepThread) -> None:
        self._asking, self._thread = asking, thread
        self.said: Any = None

    async def wait(
        self,
        name: str,
        *,
        ask: Callable[[str], Awaitable[JsonValue]],
        timeout: timedelta | None,  # noqa: ASYNC109  (the interface names it)
    ) -> JsonValue:
        """The payload of the signal, or the list of them if several came. Raises ExternalEventError when time is up."""
        asking, said = self._asking, self.said
        token = f"{asking.place}:{name}"
        answer: JsonValue = await self._thread.beside(
            lambda awaited: asking.keep(f"ask for {name}", lambda: awaited(lambda: ask(token)))
        )
        if answer is not None:
            return answer
        seconds = timeout.total_seconds() if timeout else None
        heard = await self._thread.beside(lambda _awaited: asking.wait(name, said, seconds))
        if "signals" not in heard:
            raise ExternalEventError(f"{name} did not come within {timeout}")
        payloads: list[JsonValue] = [signal["payload"] for signal in heard["signals"]]
        return payloads[0] if len(payloads) == 1 else payloads


def journaled_response(payload: object) -> ModelResponse:
    """A recorded model response as the library knows it."""
    response: ModelResponse = JSON_CODEC.load(ModelResponse, payload)
    return response
