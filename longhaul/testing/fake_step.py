"""A step without a run, for a step function under test. The law: what nobody gave an answer for fails the test that needs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.core.declarations.prompts import RULES, Output, Prompt
from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson, Unrecoverable

NOW = datetime(2031, 5, 20, 9, 0, tzinfo=UTC)
RUN_ID = UUID(int=1)
SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Called:
    """A tool was called: by what name, with which parameters, under which approved action."""

    tool: str
    params: Mapping[str, Any]
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A model was asked: the prompt's name, the request, and the tools' parameters that the step had fixed."""

    prompt: str
    request: Mapping[str, Any]
    fixed: Mapping[str, Mapping[str, Any]]


class FakeStep:
    """A `StepContext` for tests: answers from what it is given, and keeps what was asked of it.

    calls: by a tool's name, what it answers. asks: by a prompt's name, what the model answers. An answer is a value; or a
    function, called with the parameters of the call or with the request; or an exception, which is raised. As in a run, parameters
    and results of tools are JSON. A prompt without an answer is answered by its `rule`. The other arguments are the properties of
    the same name.

    `called`, `asked`, `kept` and `logged` hold, in order, what the function did.
    """

    def __init__(
        self,
        *,
        calls: Mapping[str, Any] | None = None,
        asks: Mapping[str, Any] | None = None,
        run_id: UUID = RUN_ID,
        subject: str = "S-1",
        state: str = "WORKING",
        attempt: int = 1,
        now: datetime = NOW,
        cause: Mapping[str, Any] | None = None,
        answer: Mapping[str, Any] | None = None,
        again: Mapping[str, Any] | None = None,
        signals: Sequence[Mapping[str, Any]] = (),
        children: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._calls, self._asks = calls or {}, asks or {}
        self.run_id, self.subject, self.state, self.attempt, self.now = run_id, subject, state, attempt, now
        self.cause, self.answer, self.again = cause or {}, answer or {}, again or {}
        self.signals, self.children = signals, children
        self.answered_by = RULES
        self.called: list[Called] = []
        self.asked: list[Asked] = []
        self.kept: dict[str, Any] = {}
        self.logged: list[tuple[str, Mapping[str, Any]]] = []

    def calls_of(self, tool: Tool) -> list[Mapping[str, Any]]:
        """The parameters of each call of a tool, in order."""
        return [call.params for call in self.called if call.tool == tool.name]

    def call(self, tool: Tool, *, action: str | UUID | None = None, **params: Any) -> Any:
        """What was given for the tool. Raises that, if it is an exception; AssertionError for a tool without an answer."""
        if tool.irreversible and action is None:
            raise Unrecoverable(f"{tool.name} is irreversible and was called without an approved action")
        plain = _as_json(params)
        self.called.append(Called(tool.name, plain, str(action) if action else None))
        if tool.name not in self._calls:
            raise AssertionError(f"the tool {tool.name} was called with {plain}: give its answer in `calls`")
        return _as_json(_given(self._calls[tool.name], lambda answer: answer(**plain)))

    def call_all(self, calls: Sequence[tuple[Tool, Mapping[str, Any]]]) -> list[Any]:
        """The results of each, one after the other. All are called; then the first failure, in that order, is raised."""
        results: list[Any] = []
        problems: list[Exception] = []
        for tool, params in calls:
            try:
                results.append(self.call(tool, **params))
            except Exception as problem:
                problems.append(problem)
        if problems:
            raise problems[0]
        return results

    def ask(
        self,
        prompt: Prompt[Output],
        request: Mapping[str, Any],
        *,
        fixed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Output:
        """What was given for the prompt, in the form of its output; else what its rule says.

        Raises NeedsPerson where the prompt's own check does not believe it, AssertionError for a prompt without an answer.
        """
        plain = _as_json(request)
        self.asked.append(Asked(prompt.name, plain, fixed or {}))
        if prompt.name not in self._asks and prompt.rule is None:
            raise AssertionError(f"{prompt.id} was asked: give its answer in `asks`")
        self.answered_by = SCRIPTED if prompt.name in self._asks else RULES
        given = _given(self._asks.get(prompt.name, prompt.rule), lambda answer: answer(plain))
        answer = prompt.output.model_validate(_as_json(given))
        # With tools, a check wants their answers too, which nobody gave.
        wrong = prompt.check(answer, plain) if prompt.check and not prompt.tools else ()
        if wrong:
            raise NeedsPerson(f"{prompt.id} was not believed", "; ".join(wrong))
        return answer

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of the work, done here and now."""
        self.kept[name] = _as_json(work())
        return self.kept[name]

    def log(self, message: str, **fields: Any) -> None:
        """Keep the line."""
        self.logged.append((message, fields))


def _given(answer: Any, asked: Callable[[Any], Any]) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return asked(answer) if callable(answer) else answer


def _as_json(value: Any) -> Any:
    """A value as the journal gives it back. Raises NotCanonical for what it could not keep."""
    return json.loads(canonical(value))
