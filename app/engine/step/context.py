"""The `step` of the engine: its calls are journaled, and its time and what woke it are read from the journal.

The law: every attempt of a step sees the same `now`, the same cause, and makes the same calls in the same order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.core.declarations.prompts import Output, Prompt
from app.core.declarations.tools import Tool
from app.core.entered import AGAIN, first_entered
from app.core.errors import Diverged, Unrecoverable
from app.core.ports import Answered
from app.core.run import Run
from app.core.statuses import CheckpointKind
from app.engine.calls.asking import StepAsking
from app.engine.calls.call import Call
from app.engine.calls.calls import Caller
from app.engine.runtime import Runtime
from app.store.rows import told
from app.store.runs import runs
from app.telemetry import logs


class JournaledStep:
    """`app.core.step.StepContext`, which says what each part means, kept by the journal under this attempt's lease.

    heard: the ids of the signals that the step was given so far, so that an asking waits for others.
    """

    def __init__(
        self, rt: Runtime, run: Run, caller: Caller, *, now: datetime, received: Mapping[str, Any], recorded: int
    ) -> None:
        self._rt, self._run, self._caller, self._recorded = rt, run, caller, recorded
        self._calls, self._lock = 0, threading.Lock()
        entered, woken = first_entered(received), received.get("cause", {})
        self.again: Mapping[str, Any] = woken.get("answer", {}) if AGAIN in woken else {}
        self.answered_by = ""
        self.heard = {str(signal["id"]) for signal in entered.get("signals", ())}
        self.now = now
        self.run_id: UUID = run.id
        self.subject = run.subject
        self.state = run.state
        self.attempt = run.attempt
        self.cause: Mapping[str, Any] = entered.get("cause", {})
        self.signals: Sequence[Mapping[str, Any]] = entered.get("signals", ())
        self.answer: Mapping[str, Any] = self.cause.get("answer", {})

    @property
    def children(self) -> Sequence[Mapping[str, Any]]:
        """The ended children this step was waiting for: id, subject, state, status, data, by subject."""
        step_seq = self.cause.get("step_seq")
        if step_seq is None:
            return ()
        parent = UUID(str(self.cause.get("of_run", self.run_id)))  # in a fork, the run that had them
        found: list[runs.Child] = self._caller.transact(lambda db: runs.children_of(db, parent, step_seq))
        return [told(child) for child in found]

    def call(self, tool: Tool, *, action: str | UUID | None = None, **params: Any) -> Any:
        """Call a tool once, durably; its recorded result if it was called before. `action` is the approved action's id."""
        return self._caller.make(self._tool_call(self.take(1), tool, action, params))

    def call_all(self, calls: Sequence[tuple[Tool, Mapping[str, Any]]]) -> list[Any]:
        """Call several tools at the same time; numbered before any starts, results in the order given.

        All of them are waited for; then the first failure, in that order, is raised.
        """
        first = self.take(len(calls))
        ready = [self._tool_call(first + n, tool, None, params) for n, (tool, params) in enumerate(calls)]
        with ThreadPoolExecutor(max_workers=min(8, max(1, len(ready)))) as pool:
            return [future.result() for future in [pool.submit(self._caller.make, call) for call in ready]]

    def ask(
        self,
        prompt: Prompt[Output],
        request: Any,
        *,
        fixed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Output:
        """Ask a model, durably; a valid answer, or an error of `app.core.errors` for the step to end with.

        fixed: by tool name, the parameters of the prompt's tools that the step sets and the model may not choose.
        """
        provider = self._rt.provider
        if provider is None:
            raise Unrecoverable("no model provider is configured; set LONGHAUL_PROVIDER")
        plain = runs.restore_text(canonical(request))
        asking = StepAsking(self, self._caller, prompt, plain, self._calls + 1)
        answer, self.answered_by = provider.ask(prompt, plain, asking, fixed or {})
        return answer

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        """Do local work that is costly or not repeatable once, and keep its result."""
        return self._caller.make(
            Call(seq=self.take(1), kind=CheckpointKind.LOCAL, name=name, params={}, act=lambda _key: Answered(work()))
        )

    def log(self, message: str, **fields: Any) -> None:
        """One log line with the run's id and step beside it."""
        logs.event("step_log", run_id=str(self.run_id), step=self.state, message_text=message, **fields)

    def require_every_call(self) -> None:
        """Before the step ends in order. Raises Diverged if its journal holds a call it did not make, OutcomeUnknown for an open one."""
        if self._calls < self._recorded:
            missing = self._caller.first_recorded(behind=self._calls)
            what = f"{self.state} ended without making every call its journal holds: {missing.name} is call {missing.call_seq}"
            raise Diverged(what, call_seq=missing.call_seq)
        self._caller.effects.require_none()

    def take(self, count: int = 1) -> int:
        """The number of the next call, and of as many more."""
        with self._lock:
            first = self._calls + 1
            self._calls += count
            return first

    def _tool_call(self, seq: int, tool: Tool, action: str | UUID | None, params: Mapping[str, Any]) -> Call:
        code = self._rt.tools.get(tool.name)
        if code is None:
            raise Unrecoverable(f"no code is bound to the tool {tool.name}; bind it in `tools` of the application")
        if tool.irreversible and action is None:
            raise Unrecoverable(f"{tool.name} is irreversible and was called without an approved action")
        plain = runs.restore_text(canonical(params))
        return Call(
            seq=seq,
            kind=CheckpointKind.TOOL,
            name=tool.name,
            params=plain,
            tool=tool,
            code=code,
            act=lambda key: Answered(code(key, plain)),
            action=UUID(str(action)) if action else None,
            downstream=tool.downstream,
        )
