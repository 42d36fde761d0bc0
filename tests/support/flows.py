"""Small workflows for tests, loaded by real workers through LONGHAUL_WORKFLOWS."""

from __future__ import annotations

from pydantic import BaseModel

from app.core.workflow import Step, Workflow


class Tally(BaseModel):
    """Counts what was done to it."""

    steps: list[str] = []


def _first(step: object, data: Tally) -> str:
    data.steps.append("FIRST")
    return "done"


def _second(step: object, data: Tally) -> str:
    data.steps.append("SECOND")
    return "done"


TWO = Workflow(
    name="two",
    version=1,
    data=Tally,
    starts_at="FIRST",
    states=[
        Step("FIRST", does=_first, then={"done": "SECOND"}),
        Step("SECOND", does=_second, then={"done": "COMPLETE"}),
    ],
)
