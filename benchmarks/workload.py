"""The work both sides do: twelve steps, each given 1 KB and giving 1 KB back.

`TWELVE` is the workflow Longhaul's workers load; `benchmarks.chain` does the same work in plain Celery tasks.
"""

from __future__ import annotations

from pydantic import BaseModel

from app.core.workflow import Step, Workflow

STEPS = 12
STATES = [f"STEP_{n + 1}" for n in range(STEPS)]
TEXT = ("Water came through the kitchen ceiling during the night; the fitter found a split hose. " * 12)[:1000]


class Letter(BaseModel):
    """About a kilobyte of JSON."""

    text: str
    steps: int = 0


def work(text: str, steps: int) -> tuple[str, int]:
    """One step's work: another text of the same length."""
    return text[1:] + text[0], steps + 1


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
