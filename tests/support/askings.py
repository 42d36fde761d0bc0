"""An asking's journal in memory: what the engine lends to an asking, for tests of the model edge alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.core.canonical import canonical, digest, storable
from app.core.declarations.tools import Tool
from app.core.errors import Diverged, Suspended
from app.core.ports import Answered, ModelRequest
from app.store.runs.runs import restore_text


class MemoryAsking:
    """Keeps what was journaled; ask again with the same one and the recorded calls are replayed."""

    def __init__(self, tools: Mapping[str, Callable[[Mapping[str, Any]], Any]] | None = None) -> None:
        self.journal: list[tuple[str, str, Any]] = []
        self.requests: list[ModelRequest] = []
        self.failures: list[Exception] = []
        self.answered: list[Answered] = []
        self.acted: list[str] = []
        self.signals: dict[str, Any] = {}
        self._tools, self._at = dict(tools or {}), 0

    subject = "S-1"

    @property
    def place(self) -> str:
        return "memory.1"

    @property
    def provider(self) -> str | None:
        return self.requests[0].provider if self.answered else None

    def again(self) -> MemoryAsking:
        """The next attempt's view of the same journal."""
        self._at = 0
        return self

    def request(self, request: ModelRequest, act: Callable[[], Answered]) -> Any:
        def sent() -> Any:
            self.requests.append(request)
            answered = act()
            self.answered.append(answered)
            return answered.value

        return self._once("model", digest(canonical(request.messages)), sent)

    def call(self, tool: Tool, params: Mapping[str, Any]) -> Any:
        return self._once(tool.name, digest(canonical(params)), lambda: self._tools[tool.name](params))

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        return self._once(name, "", work)

    def wait(self, signal: str, said: Any, expires_seconds: float | None) -> Any:
        def look() -> Any:
            if signal not in self.signals:
                raise Suspended(signal, reason=canonical(said), expires_seconds=expires_seconds)
            return self.signals.pop(signal)

        return self._once(signal, digest(canonical(said)), look)

    def _once(self, name: str, known_by: str, act: Callable[[], Any]) -> Any:
        if self._at < len(self.journal):
            found, at, value = self.journal[self._at]
            if (found, at) != (name, known_by):
                raise Diverged(f"{name} where the journal holds {found}")
            self._at += 1
            return value
        self.acted.append(name)
        try:
            value = act()
        except Exception as problem:
            self.failures.append(problem)
            raise
        value = restore_text(storable(value))  # as the journal keeps it
        self.journal.append((name, known_by, value))
        self._at += 1
        return value
