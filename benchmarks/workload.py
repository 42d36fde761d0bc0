"""The work of `benchmarks.work` as a workflow, which Longhaul's workers load."""

from __future__ import annotations

from pydantic import BaseModel

from app.core.workflow import Human, Request, Step, Workflow
from benchmarks.work import STEPS, work

STATES = [f"STEP_{n + 1}" for n in range(STEPS)]


class Letter(BaseModel):
    """About a kilobyte of JSON."""

    text: str
    steps: int = 0


def _step(step: object, data: Letter) -> str:
    data.text, data.steps = work(data.text, data.steps)
    return "done"


TWELVE = Workflow(
    name="twelve",
    version=1,
    data=Letter,
    starts_at=STATES[0],
    states=[
        Step(state, does=_step, then={"done": then})
        for state, then in zip(STATES, [*STATES[1:], "COMPLETE"], strict=True)
    ],
)


class Reading(BaseModel):
    """What the person fills in."""

    remarks: str = ""


READ = Workflow(
    name="read",
    version=1,
    data=Letter,
    starts_at="OPENING",
    states=[
        Step("OPENING", does=_step, then={"done": "READING"}),
        Human(
            "READING",
            form=Reading,
            role="adjuster",
            asks=lambda step, data: Request(title=f"Read {step.subject}", note="It came in today."),
            then={"answered": "CLOSING"},
        ),
        Step("CLOSING", does=_step, then={"done": "COMPLETE"}),
    ],
)
