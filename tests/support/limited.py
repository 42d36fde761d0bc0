"""Workflows whose calls are limited: by the budget of their run, or by what a downstream can bear."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.retry import RetryPolicy
from app.core.tools import Tool
from app.core.workflow import Children, ChildRun, Step, Workflow
from app.engine.calls import Answered, Call

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
        Call(seq=step._take(1), kind="model", name="question/1", params={}, model="test:model", reserve_tokens=reserve,
             act=lambda _key: _answered(provider(step)))
    )  # fmt: skip


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
    name="thinking", version=1, data=Work, starts_at="THINKING", token_budget=100,
    states=[Step("THINKING", does=_think, retry=RetryPolicy(attempts=3), then={"thought": "COMPLETE"})],
)  # fmt: skip
FAMILY = Workflow(
    name="family", version=1, data=Work, starts_at="SPLITTING", token_budget=100,
    states=[
        Children("SPLITTING", starts=_split, then={"ended": "CLOSING"}),
        Step("CLOSING", does=lambda step, data: "closed", then={"closed": "COMPLETE"}),
    ],
)  # fmt: skip
FETCHING = Workflow(
    name="fetching", version=1, data=Work, starts_at="FETCHING",
    states=[Step("FETCHING", does=_fetch, retry=RetryPolicy(attempts=2), then={"fetched": "COMPLETE"})],
)  # fmt: skip


def subject_of(n: int | UUID) -> str:
    """A subject for the n-th run."""
    return f"L-{n}"
