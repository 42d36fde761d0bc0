"""Workflows whose steps ask a model, for real workers: a loop of three requests and two tool calls, then a payment; a
loop that waits for an approval in the middle; a question alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.core.declarations.prompts import Awaits, Prompt
from app.core.declarations.tools import Tool
from app.core.workflow import Step, Workflow
from tests.support import faults
from tests.support.small_workflows import pay


class Entry(BaseModel):
    """What a look into the registry needs."""

    number: str


class Verdict(BaseModel):
    """What the model is asked for."""

    outcome: str


class Question(BaseModel):
    """What the model says when it waits."""

    question: str


LOOK = Tool("registry.look", reads_only=True, about="Looks an entry up by its number.", takes=Entry)
LOOKS = "registry.looks"


class Registry:
    """Answers every number, and writes down that it was asked."""

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with (Path(os.environ[faults.VARIABLE]) / LOOKS).open("a") as looks:
            looks.write(f"{key}\n")
        # In jsonb the shorter name comes first, in canonical JSON the longer one: an answer is the same in both, also in its order.
        return {"by": "the registrar", "about": {"stands": True, "no": params["number"]}}


JUDGEMENT = Prompt(
    name="judgement",
    version=1,
    instructions="Look twice, then judge.",
    output=Verdict,
    tools=(LOOK,),
    requests=4,
    tool_calls=3,
    timeout_seconds=20,
)
PERMISSION = Prompt(
    name="permission",
    version=1,
    instructions="Look, ask for approval, then judge.",
    output=Verdict,
    tools=(LOOK,),
    requests=4,
    tool_calls=3,
    timeout_seconds=20,
    awaits=(Awaits(event="approval", about="Asks a person.", takes=Question, expires="60d"),),
)
QUESTION = Prompt(name="question", version=1, instructions="Answer.", output=Verdict, requests=2, timeout_seconds=2)
SLOW_QUESTION = Prompt(
    name="slow_question", version=1, instructions="Answer.", output=Verdict, requests=1, timeout_seconds=100
)


class Case(BaseModel):
    """What came of it."""

    outcome: str = ""
    answered_by: str = ""
    paid: list[str] = []


def _judge(step: Any, data: Case) -> str:
    data.outcome = step.ask(JUDGEMENT, {"case": step.subject}).outcome
    data.answered_by = step.answered_by
    data.paid.append(pay(step, "verdict"))
    return "judged"


def _permitted(step: Any, data: Case) -> str:
    data.outcome = step.ask(PERMISSION, {"case": step.subject}).outcome
    return "judged"


def _answer(step: Any, data: Case) -> str:
    data.outcome = step.ask(QUESTION, {"case": step.subject}).outcome
    return "judged"


def _wait_long(step: Any, data: Case) -> str:
    data.outcome = step.ask(SLOW_QUESTION, {"case": step.subject}).outcome
    return "judged"


def _workflow(name: str, does: Any) -> Workflow:
    states = [Step("JUDGING", does=does, timeout="2m", then={"judged": "COMPLETE"})]
    return Workflow(name=name, version=1, data=Case, starts_at="JUDGING", states=states)


JUDGING = _workflow("judging", _judge)
PERMITTED = _workflow("permitted", _permitted)
ANSWERING = _workflow("answering", _answer)
WAITING_LONG = _workflow("waiting_long", _wait_long)


def _look(number: str) -> dict[str, Any]:
    return {"calls": [{"name": "registry_look", "with": {"number": number}}]}


ANSWER = {"answer": {"outcome": "granted"}}
SCRIPT: list[dict[str, Any]] = [
    {"when": "Look twice", "turns": [_look("A-1"), _look("B-2"), ANSWER]},
    {
        "when": "ask for approval",
        "turns": [_look("A-1"), {"calls": [{"name": "wait_for_approval", "with": {"question": "May I?"}}]}, ANSWER],
    },
    {"when": "Answer.", "turns": [ANSWER]},
]

if os.environ.get(faults.VARIABLE):
    faults.install({"registry.look": Registry()})
