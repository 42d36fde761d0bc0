"""A workflow that can wait for a person, a document, a time and children, as the run's data ask; and one that waits for nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from app.core.workflow import Children, ChildRun, Human, Request, Step, Timer, Wait, Workflow
from benchmarks.work import TEXT

DOCUMENT = "document_uploaded"
NAMES = "benchmarks.parked.workflow:PARKED,benchmarks.parked.workflow:PASSING,benchmarks.workload:TWELVE"


class Claim(BaseModel):
    """What it is to wait for, and half a kilobyte to keep meanwhile."""

    waits_for: str
    text: str = TEXT[:500]


class Answer(BaseModel):
    """The form."""

    remark: str = ""


def _arrive(step: Any, data: Claim) -> str:
    return data.waits_for


def _ask(step: Any, data: Claim) -> Request:
    return Request(title="Shall this claim go on?", note=data.text)


def _raise(step: Any, data: Claim) -> Sequence[ChildRun]:
    return [ChildRun(workflow="parked", subject=f"{step.subject}.1", data=Claim(waits_for="document"))]


def _go_on(step: Any, data: Claim) -> str:
    return "done"


# Nothing that waits here is late: what is late is told of, and is no longer merely parked.
PARKED = Workflow(
    name="parked",
    version=1,
    data=Claim,
    starts_at="ARRIVING",
    expected="400d",
    states=[
        Step(
            "ARRIVING",
            does=_arrive,
            then={
                "person": "ASKED",
                "document": "WAITING_FOR_DOCUMENT",
                "time": "RESTING",
                "children": "RAISING",
                "nobody": "COMPLETE",
            },
        ),
        Human("ASKED", form=Answer, role="adjuster", asks=_ask, due="60d", then={"go on": "GOING_ON"}),
        Wait(
            "WAITING_FOR_DOCUMENT",
            event=DOCUMENT,
            expires="365d",
            then={DOCUMENT: "GOING_ON", "expired": "GOING_ON"},
        ),
        Timer("RESTING", lasts="365d", then={"due": "GOING_ON"}),
        Children("RAISING", starts=_raise, then={"ended": "GOING_ON"}),
        Step("GOING_ON", does=_go_on, then={"done": "COMPLETE"}),
    ],
)
PASSING = Workflow(
    name="passing",
    version=1,
    data=Claim,
    starts_at="PASSING",
    states=[Step("PASSING", does=_go_on, then={"done": "COMPLETE"})],
)
