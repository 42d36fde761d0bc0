"""Workflows whose calls are limited: by the budget of their run, or by what a downstream can bear."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import NotDone
from app.core.ports import Answered
from app.core.retry import RetryPolicy
from app.core.statuses import CheckpointKind
from app.core.workflow import Children, ChildRun, Step, Workflow
from app.engine.calls.call import Call
from tests.support.http_server import LocalServer, QuietHandler

FETCH = Tool("registry.fetch", reads_only=True, downstream="registry", timeout="5s")
ORDER = Tool("registry.order", idempotent_for="24h", downstream="registry", timeout="5s")


class Work(BaseModel):
    """How many questions to ask of the model, and in how many children."""

    questions: int = 1
    children: int = 0


def ask(step: Any, reserve: int = 100) -> Any:
    """One question to the test's model, which may use `reserve` tokens."""
    provider = step._rt.provider
    return step._caller.make(
        Call(
            seq=step.take(),
            kind=CheckpointKind.MODEL,
            name="question/1",
            params={},
            model="test:model",
            reserve_tokens=reserve,
            downstream="model",
            act=lambda _key: _answered(provider(step)),
        )
    )


def _answered(reply: Any) -> Answered:
    return reply if isinstance(reply, Answered) else Answered(*reply)


def _think(step: Any, data: Work) -> str:
    for _ in range(data.questions):
        ask(step)
    return "thought"


def _split(step: Any, data: Work) -> list[ChildRun]:
    return [
        ChildRun(workflow="thinking", subject=f"{step.subject}/{n}", data=Work(questions=data.questions))
        for n in range(data.children)
    ]


def _fetch(step: Any, data: Work) -> str:
    step.call(FETCH, what=step.subject)
    return "fetched"


THINKING = Workflow(
    name="thinking",
    version=1,
    data=Work,
    starts_at="THINKING",
    token_budget=100,
    states=[Step("THINKING", does=_think, retry=RetryPolicy(attempts=3), then={"thought": "COMPLETE"})],
)
FAMILY = Workflow(
    name="family",
    version=1,
    data=Work,
    starts_at="SPLITTING",
    token_budget=100,
    states=[
        Children("SPLITTING", starts=_split, then={"ended": "CLOSING"}),
        Step("CLOSING", does=lambda step, data: "closed", then={"closed": "COMPLETE"}),
    ],
)
FETCHING = Workflow(
    name="fetching",
    version=1,
    data=Work,
    starts_at="FETCHING",
    states=[Step("FETCHING", does=_fetch, retry=RetryPolicy(attempts=2), then={"fetched": "COMPLETE"})],
)


class RegistryOverHttp:
    """`registry.fetch` of a real worker: asks the test's own service."""

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        answer = httpx.post(os.environ["LONGHAUL_TEST_REGISTRY_URL"], json=dict(params), timeout=5, trust_env=False)
        if answer.status_code == 503:
            raise NotDone("the registry answers 503")
        return answer.raise_for_status().json()


class RegistryService:
    """A registry that is down until it is up, and logs when it was asked and what it answered."""

    def __init__(self) -> None:
        self.up, self.log = False, list[tuple[float, bool]]()
        service, lock = self, threading.Lock()

        class Handler(QuietHandler):
            def post(self) -> None:
                self.body()
                with lock:
                    up = service.up
                    service.log.append((time.monotonic(), up))
                self.answer(200 if up else 503, b'{"found": true}' if up else b"{}")

        self._server = LocalServer(Handler)
        self.url = self._server.url

    def close(self) -> None:
        """Go down for good."""
        self._server.close()

    def most_in_a_second(self, *, up: bool) -> int:
        """The most requests it received within any second, while it was up or down."""
        times = [at for at, was_up in self.log if was_up is up]
        return max((sum(1 for other in times if at <= other < at + 1) for at in times), default=0)
