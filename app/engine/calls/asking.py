"""One asking of a model inside a step: each request, tool call and wait of it is a checkpoint of its own.

The law: the calls of an asking stand in the step's journal like any others, in the order they were made, so a killed
asking goes on where it stood and pays for no finished request again. What a request is known by is what the step
passed and the hash of the whole prompt; another one at a recorded place is divergence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from app.core.canonical import canonical, digest
from app.core.declarations.prompts import Prompt
from app.core.declarations.tools import Tool
from app.core.errors import Suspended
from app.core.ports import Answered, ModelRequest
from app.core.statuses import CheckpointKind
from app.engine.calls.call import Call
from app.engine.calls.calls import Caller
from app.store.runs import conversations, payloads
from app.store.runs.conversations import Kept
from app.store.runs.moves import Statement
from app.store.runs.steps import Place


class Steps(Protocol):
    """What an asking uses of its step."""

    heard: set[str]
    subject: str

    def take(self) -> int: ...

    def call(self, tool: Tool, **params: Any) -> Any: ...

    def keep(self, name: str, work: Callable[[], Any]) -> Any: ...


class StepAsking:
    """The asking that a step begins with `step.ask`."""

    def __init__(self, step: Steps, caller: Caller, prompt: Prompt[Any], request: Any, first_seq: int) -> None:
        self._step, self._caller, self._prompt = step, caller, prompt
        self._asked, self._first_seq = digest(canonical(request)), first_seq
        self._kept: set[str] = set()

    @property
    def place(self) -> str:
        return f"{self._caller.place_name}.{self._first_seq}"

    @property
    def subject(self) -> str:
        return self._step.subject

    @property
    def provider(self) -> str | None:
        if not self._caller.is_complete(self._first_seq):
            return None  # nobody answered: the provider may be why, and another may be named by now
        standing = self._caller.recorded_input(self._first_seq)
        return standing.get("provider") if isinstance(standing, dict) else None

    def request(self, request: ModelRequest, act: Callable[[], Answered]) -> Any:
        messages = conversations.chained(request.messages)
        fresh = [message for message in messages if message.sha256 not in self._kept]
        self._kept |= {message.sha256 for message in fresh}
        seq = self._step.take()
        params = {"asked": self._asked, "head": messages[-1].sha256, "provider": request.provider}
        return self._caller.make(
            Call(
                seq=seq,
                kind=CheckpointKind.MODEL,
                name=self._prompt.id,
                params=params,
                act=lambda _key: act(),
                model=request.model,
                prompt_version=self._prompt.id,
                longest=request.seconds,
                downstream=request.downstream,
                reserve_tokens=request.reserve_tokens,
                beside=self._statements(self._caller.place(seq), fresh),
            )
        )

    def call(self, tool: Tool, params: Mapping[str, Any]) -> Any:
        return self._step.call(tool, **params)

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        return self._step.keep(name, work)

    def wait(self, signal: str, said: Any, expires_seconds: float | None) -> Any:
        seq = self._step.take()
        params = {"event": signal, "said": said, "expires_seconds": expires_seconds}

        def look(_key: str) -> Answered:
            if came := [s for s in self._caller.signals(signal) if s["id"] not in self._step.heard]:
                return Answered({"signals": came})
            left = None if expires_seconds is None else expires_seconds - self._caller.waited_seconds(seq)
            if left is not None and left <= 0:
                return Answered({"expired": True})
            raise Suspended(signal, reason=f"a model waits for {signal}: {canonical(said)}"[:500], expires_seconds=left)

        heard = self._caller.make(Call(seq=seq, kind=CheckpointKind.WAIT, name=signal, params=params, act=look))
        self._step.heard.update(came["id"] for came in heard.get("signals", ()))
        return heard

    def _statements(self, place: Place, messages: list[Kept]) -> list[Statement]:
        if self._caller.is_complete(place.call_seq):
            return []
        return [conversations.keep(place, message, self._stored(message)) for message in messages]

    def _stored(self, message: Kept) -> str:
        if not payloads.is_large(message.text):
            return message.text
        return str(self._caller.transact(lambda db: payloads.by_reference(db, message.text)))
