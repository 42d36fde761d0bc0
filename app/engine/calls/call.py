"""One call of a step as it is about to be made. Values only; `app.engine.calls.calls` makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.declarations.tools import Tool
from app.core.ports import Answered, ToolCode
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.store.runs.moves import Statement
from app.store.runs.steps import Checkpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call as it is about to be made.

    longest: seconds it may take, where no tool says so. beside: statements committed with its intent. downstream: whose
    rate, concurrency and breaker it is subject to. reserve_tokens: the most it may use of the run's budget.
    """

    seq: int
    kind: CheckpointKind
    name: str
    params: Any
    act: Callable[[str], Answered]
    tool: Tool | None = None
    code: ToolCode | None = None
    action: UUID | None = None
    model: str | None = None
    prompt_version: str | None = None
    longest: float = 300.0
    beside: Sequence[Statement] = ()
    downstream: str | None = None
    reserve_tokens: int = 0

    @property
    def has_effect(self) -> bool:
        return self.tool is not None and self.tool.has_effect

    @property
    def seconds(self) -> float:
        return self.tool.timeout_seconds if self.tool else self.longest

    def asks_another_model(self, found: Checkpoint) -> bool:
        """Whether the journal holds this very question as one to another provider, which never answered it."""
        if (
            self.kind is not CheckpointKind.MODEL
            or found.status is CheckpointStatus.COMPLETE
            or found.name != self.name
        ):
            return False
        was = found.input if isinstance(found.input, dict) else {}
        same = "asked" in was and was["asked"] == self.params["asked"]
        return same and was.get("provider") != self.params["provider"]
