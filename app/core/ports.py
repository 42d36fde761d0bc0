"""What the engine needs from outside, as protocols. Real things are chosen in `app.bootstrap`, fakes in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from app.core.declarations.prompts import Output, Prompt
from app.core.declarations.tools import Tool


@dataclass(frozen=True, slots=True)
class Bell:
    """A doorbell: this step of this run is ready. Carries ids only; a forged one can do no more than ask.

    expires_seconds: void when nobody answered for so long. Only a bell that will be rung anew needs it, so that those
    nobody answers do not pile up.
    """

    run_id: UUID
    step_seq: int
    workflow: str
    state: str
    queue: str
    expires_seconds: float | None = None


class Dispatcher(Protocol):
    """Rings doorbells. Best effort: a failure is logged and left to the dispatch sweep, never raised.

    It may have a second method, `lying(queue) -> int`: how many bells lie in the broker for a queue and nobody has taken them.
    """

    def ring(self, bells: Iterable[Bell]) -> int:
        """How many bells were handed to the broker."""
        ...


class ToolCode(Protocol):
    """The code of a tool. Raises NotDone or Throttled when it is certain that nothing happened."""

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """Act once, under the idempotency key; a JSON-able result."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What an acted call gave, with what it cost. `cost` None: the price is unknown, which is not the same as nothing."""

    value: Any
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One request to a model, as it is journaled before it is sent.

    provider: as the settings spell it ("openai:gpt-4o-mini"). model: its name. messages: everything the model is given,
    from the instructions on, free of whatever differs between two attempts. seconds: longest the request may take.
    downstream, reserve_tokens: whose limits it is subject to, and the most it may use of the budget.
    """

    provider: str
    model: str
    messages: Sequence[Mapping[str, Any]]
    seconds: float
    downstream: str | None = None
    reserve_tokens: int = 0


class Asking(Protocol):
    """What the engine lends to one asking of a step: each request, tool call and wait of it is a checkpoint of its own."""

    @property
    def place(self) -> str:
        """Names this asking; the same in every attempt."""
        ...

    @property
    def subject(self) -> str:
        """The subject of the run that asks."""
        ...

    @property
    def provider(self) -> str | None:
        """The provider that answered its first request in an earlier attempt; None if none did."""
        ...

    def request(self, request: ModelRequest, act: Callable[[], Answered]) -> Any:
        """The value of a request: the recorded one, or that of sending it now by `act`."""
        ...

    def call(self, tool: Tool, params: Mapping[str, Any]) -> Any:
        """The result of a tool: the recorded one, or that of calling it now."""
        ...

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        """The value of local work: the recorded one, or that of doing it now."""
        ...

    def wait(self, signal: str, said: Any, expires_seconds: float | None) -> Any:
        """The signals that came, as `{"signals": […]}`, or `{"expired": true}`. Suspends the run until there is one."""
        ...


class ModelProvider(Protocol):
    """Answers prompts, by whichever model the settings name for each."""

    def ask(
        self, prompt: Prompt[Output], request: Mapping[str, Any], asking: Asking, fixed: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Output, str]:
        """The answer and the model that gave it. `fixed`: by tool name, the parameters a model may not choose."""
        ...
