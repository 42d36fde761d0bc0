"""One prompt asked of one model: an agent's loop of requests, tool calls and corrections, until an answer can be believed.

The law: an answer that fits its schema and passes the prompt's check, or an error that says what is wrong with it.
Within the prompt's number of requests the model is told what was wrong; past it a schema failure goes to the retry
policy, and an answer nobody can believe to a person, with what was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Generic

from pydantic import ValidationError
from pydantic_ai import ModelRetry, UsageLimits
from pydantic_ai.durable_exec import external_event_scope
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import ModelRequestParameters

from app.agents.agents import ANSWER, agent, answer_tokens, brief, wrong
from app.agents.choices import Chosen
from app.agents.clients import cost, load
from app.agents.durable import BRIDGE, Bridge, SignalWaiter, journaled_response
from app.agents.model_errors import in_our_words
from app.agents.model_loop import model_loop
from app.agents.step_thread import Sent, StepThread
from app.agents.wire import plain_request
from app.core.canonical import canonical
from app.core.declarations.prompts import Output, Prompt
from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson, NotCanonical, SchemaFailure, StepError
from app.core.ports import Answered, Asking, ModelRequest

_SHOWN = 2000  # characters of an answer in a note
BYTES_PER_TOKEN = 3  # a cautious estimate of what is sent; the provider's own count replaces it


class AgentAsking(Generic[Output]):
    """The state of one asking while it is in work; nothing of it outlives an attempt."""

    def __init__(
        self,
        chosen: Chosen,
        prompt: Prompt[Output],
        request: Mapping[str, Any],
        asking: Asking,
        fixed: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._chosen, self._prompt, self._request, self._asking, self._fixed = chosen, prompt, request, asking, fixed
        self._number, self._last, self._problems = 0, "", list[str]()
        self._brief, self._answer_tokens = brief(chosen, prompt), answer_tokens(chosen, prompt)
        self._tools_said: list[dict[str, Any]] = []
        self._loop = model_loop()
        self._thread = StepThread(self._loop)
        self.model, self._waiter = chosen.model_name, SignalWaiter(asking, self._thread)

    def run(self) -> Output:
        """The answer; its thread waits for it. Raises the engine's errors only."""
        prompt = self._prompt
        text = prompt.render(self._request) if prompt.render else canonical(self._request)
        load(self._chosen)
        return self._whole(self._thread.run(self._run(text)))

    async def _run(self, text: str) -> Any:
        prompt = self._prompt
        token = BRIDGE.set(Bridge(self._asking.place, self._requested))
        try:
            asked = agent(self._loop.clients, self._chosen, prompt, self._fixed)
            limits = UsageLimits(request_limit=prompt.requests, tool_calls_limit=prompt.tool_calls or None)
            with external_event_scope(self._waiter):
                return (await asked.run(text, deps=self, usage_limits=limits)).output
        except UsageLimitExceeded as limit:
            raise self._to_a_person(str(limit)) from limit
        except UnexpectedModelBehavior as problem:
            raise self._to_a_person(problem.message) from problem
        finally:
            BRIDGE.reset(token)

    def _whole(self, answer: Any) -> Output:
        """An answer in the prompt's own form."""
        whole: Output = answer.whole() if self._brief else answer
        return whole

    async def problems(self, answer: Any) -> list[str]:
        """Why an answer cannot be believed, in the prompt's own words."""
        self._problems = await self._thread.beside(lambda _awaited: self._checked(answer))
        return self._problems

    def _checked(self, answer: Any) -> list[str]:
        prompt = self._prompt
        asked = {**self._request, "tools": self._tools_said} if prompt.tools else self._request
        return list(prompt.check(self._whole(answer), asked)) if prompt.check else []

    async def used(self, tool: Tool, said: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool through the journal, with what was fixed for it in place of what a model says."""
        assert tool.takes is not None
        try:
            checked = tool.takes.model_validate({**said, **self._fixed.get(tool.name, {})})
        except ValidationError as problem:
            raise ModelRetry(f"{tool.name} was not called: {wrong(problem)}") from problem
        params = checked.model_dump(mode="json")
        answer = await self._thread.beside(lambda _awaited: self._asking.call(tool, params))
        self._tools_said.append({"ref": f"t{len(self._tools_said) + 1}", "tool": tool.name, "answer": answer})
        return {name: self._tools_said[-1][name] for name in ("ref", "answer")}

    def says(self, said: Any) -> None:
        """What the model says about the wait that it begins: the run's reason shows it."""
        self._waiter.said = said

    async def _requested(
        self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters, send: Sent
    ) -> object:
        """One request of the loop, through the journal."""
        self._number += 1
        number = self._number
        payload = await self._thread.beside(
            lambda awaited: self._asking.request(
                self._plain(messages, parameters),
                lambda: self._answered(awaited(lambda: self._sent(send)), last=number >= self._prompt.requests),
            )
        )
        response = journaled_response(payload)
        self.model = response.model_name or self._chosen.model_name
        self._last = _shown(response)
        return payload

    def _plain(self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> ModelRequest:
        prompt = self._prompt
        plain = plain_request(prompt.instructions, parameters, messages)
        size = len(canonical(plain).encode()) // BYTES_PER_TOKEN
        return ModelRequest(
            provider=self._chosen.spec,
            model=self._chosen.model_name,
            messages=plain,
            seconds=prompt.timeout_seconds,
            downstream=f"model:{self._chosen.kind}",
            reserve_tokens=size + self._answer_tokens,
        )

    async def _sent(self, send: Sent) -> object:
        """What the provider answers: all that the loop is kept busy with."""
        try:
            async with asyncio.timeout(self._prompt.timeout_seconds):
                return await send()
        except Exception as problem:
            raise in_our_words(problem, self._chosen.spec) from problem

    def _answered(self, payload: object, *, last: bool) -> Answered:
        response = journaled_response(payload)
        usage = response.usage
        if usage.unmeasured_requests:  # a server that does not say what it used: unknown, not nothing
            answered = Answered(payload)
        else:
            answered = Answered(payload, usage.input_tokens, usage.output_tokens, cost(self._chosen, response))
        if unusable := self._unusable(response, payload, last=last):
            unusable.spent = answered
            raise unusable
        return answered

    def _unusable(self, response: ModelResponse, payload: object, *, last: bool) -> StepError | None:
        """Why a response is no use, or None. One outside its schema is told to the model, while requests are left."""
        who = f"{self._chosen.spec} answered {self._prompt.id}"
        try:
            canonical(payload)
        except NotCanonical as problem:
            return SchemaFailure(f"{who} with what no journal can hold: {problem}")
        if response.finish_reason == "content_filter":
            said = (response.provider_details or {}).get("refusal") or _shown(response) or "without a word"
            return NeedsPerson(f"{who} with a refusal: {said}", "the model declined, and would again")
        if response.finish_reason == "length":
            return SchemaFailure(f"{who} with more than {self._answer_tokens} tokens, and was cut off")
        if last and (unfit := self._unfit(response)):
            return SchemaFailure(f"{who} outside its schema: {unfit}"[:2000])
        return None

    def _unfit(self, response: ModelResponse) -> str | None:
        """What is wrong with the answer a response holds; None if it fits, or calls tools."""
        calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
        answers = [part.args_as_json_str() for part in calls if part.tool_name == ANSWER]
        if self._chosen.native_output and not calls:
            answers = ["".join(part.content for part in response.parts if isinstance(part, TextPart))]
        if not answers:
            return None if calls else "it has no answer in it"
        try:
            (self._brief or self._prompt.output).model_validate_json(answers[0])
        except ValidationError as problem:
            return wrong(problem)
        return None

    def _to_a_person(self, limit: str) -> NeedsPerson:
        saw = f"{self.model} was asked {self._prompt.id} in {self._number} requests. Its last words: {self._last}"
        return NeedsPerson(
            saw, "; ".join(self._problems) or limit, evidence={"problems": self._problems, "limit": limit}
        )


def _shown(response: ModelResponse) -> str:
    """What a response says, for a note."""
    texts = [part.content for part in response.parts if isinstance(part, TextPart)]
    texts += [
        f"{part.tool_name}({part.args_as_json_str()})" for part in response.parts if isinstance(part, ToolCallPart)
    ]
    return " ".join(texts)[:_SHOWN]
