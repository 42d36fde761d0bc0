"""Prompts asked outside any run: to measure a provider. Nothing is journaled, nothing is retried, nothing waits.

alone = Alone(Models(Settings(provider="openai:gpt-4o-mini", …)))
facts, who = read_pages(alone, "d1", "bill.pdf", pages)     # workflows.document_reading.reading
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from app.agents.provider import Models
from app.core.canonical import canonical, restore, storable
from app.core.declarations.prompts import Output, Prompt
from app.core.declarations.tools import Tool
from app.core.errors import Unrecoverable
from app.core.ports import Answered, ModelRequest


class Alone:
    """Stands in for a step. answered: every answer with its tokens. answered_by: who gave the last one."""

    def __init__(self, models: Models, tools: Mapping[str, Callable[[Mapping[str, Any]], Any]] | None = None) -> None:
        self._models, self._tools = models, dict(tools or {})
        self.answered: list[Answered] = []
        self.answered_by = ""

    def ask(
        self, prompt: Prompt[Output], request: Any, *, fixed: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Output:
        """The answer. Raises what `step.ask` raises."""
        answer, self.answered_by = self._models.ask(
            prompt, request, _Unjournaled(self.answered, self._tools), fixed or {}
        )
        return answer


class _Unjournaled:
    """The asking that keeps nothing."""

    provider: str | None = None
    subject = ""

    def __init__(self, answered: list[Answered], tools: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> None:
        self._answered, self._tools, self.place = answered, tools, f"alone.{uuid4()}"

    def request(self, request: ModelRequest, act: Callable[[], Answered]) -> Any:
        answered = act()
        self._answered.append(answered)
        return restore(json.loads(storable(answered.value)))  # as a journal would give it back

    def call(self, tool: Tool, params: Mapping[str, Any]) -> Any:
        if tool.name not in self._tools:
            raise Unrecoverable(f"the tool {tool.name} was asked for outside a run, and none was given")
        return self._tools[tool.name](params)

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        return work()

    def wait(self, signal: str, said: Any, expires_seconds: float | None) -> Any:
        raise Unrecoverable(f"nothing can wait for {signal} outside a run: {canonical(said)[:200]}")
