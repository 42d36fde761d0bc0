"""A step without a run, which a test's double of a step completes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.core.declarations.prompts import RULES, Output, Prompt
from app.core.declarations.tools import Tool


class BareStep:
    """All that a step function may use, empty: what a double does not say itself fails the test that needs it."""

    run_id = UUID(int=1)
    subject = "S-1"
    state = "WORKING"
    attempt = 1
    now = datetime(2031, 5, 20, 9, 0, tzinfo=UTC)
    answered_by = RULES
    cause: Mapping[str, Any] = {}
    answer: Mapping[str, Any] = {}
    again: Mapping[str, Any] = {}
    signals: Sequence[Mapping[str, Any]] = ()
    children: Sequence[Mapping[str, Any]] = ()

    def call(self, tool: Tool, *, action: str | UUID | None = None, **params: Any) -> Any:
        raise AssertionError(f"the tool {tool.name} was called")

    def call_all(self, calls: Sequence[tuple[Tool, Mapping[str, Any]]]) -> list[Any]:
        raise AssertionError(f"{len(calls)} tools were called")

    def ask(
        self,
        prompt: Prompt[Output],
        request: Mapping[str, Any],
        *,
        fixed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Output:
        raise AssertionError(f"{prompt.id} was asked")

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        raise AssertionError(f"{name} was to be kept")

    def log(self, message: str, **fields: Any) -> None:
        raise AssertionError(f"it was logged: {message}")
