"""A workflow that acts and then doubts, and the registry it acts on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson
from app.core.retry import RetryPolicy
from app.core.workflow import Step, Wait, Workflow
from app.engine import start
from app.engine.control.signals import signal
from app.humans.complete import complete
from tests.support.journey import Travel

ASK = Tool("registry.ask", reads_only=True)
TELL = Tool("registry.tell", idempotent_for="24h")
POST = Tool("registry.post", ask_a_person=True)


class Notes(BaseModel):
    """What the step is to tell, and what it saw."""

    words: list[str] = ["one"]
    doubted: bool = True
    seen: list[Any] = []


Plan = Callable[[Any, Notes], str]


def tell_then_doubt(step: Any, data: Notes) -> str:
    """Ask, tell every word, ask again, and be unsure of what the registry says then."""
    first = step.call(ASK, what="before")["said"]
    for word in data.words:
        step.call(TELL, word=word, at=step.now.isoformat(), before=first, signals=len(step.signals))
    last = step.call(ASK, what="after")["said"]
    data.seen = [first, last, step.cause.get("event"), dict(step.again.get("values", {}))]
    if last == "unsure":
        raise NeedsPerson("The registry is unsure.", "nobody knows")
    return "sure"


class Registry:
    """The registry: counts what it is told, fails and answers as a test says; `plan` is what the step does."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []
        self.says: list[str] = []
        self.asked: list[str] = []
        self.plan: Plan = tell_then_doubt
        self.deed: Callable[[str], Any] = lambda key: None

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        if "what" in params:
            self.asked.append(params["what"])
            return {"said": self.says.pop(0) if self.says else "yes"}
        self.deed(key)
        self.told.append({"key": key, **params})
        return {"told": len(self.told)}

    def _do(self, step: Any, data: Notes) -> str:
        return self.plan(step, data)

    def workflow(self, attempts: int = 1) -> Workflow:
        """Waits for news, then does what the plan says."""
        return Workflow(
            name="doubting",
            version=1,
            data=Notes,
            starts_at="EXPECTING",
            states=[
                Wait("EXPECTING", event="news", then={"news": "TELLING"}),
                Step(
                    "TELLING",
                    does=self._do,
                    retry=RetryPolicy(attempts=attempts),
                    then={"sure": "COMPLETE", "elsewhere": "RESTING"},
                ),
                Step("RESTING", does=lambda step, data: "rested", then={"rested": "COMPLETE"}),
            ],
        )


def begin(journey: Travel, workflow: Workflow, **data: Any) -> UUID:
    """A run whose news have come, worked on until it rests."""
    work = lambda db: start.start(db, workflow, subject="D-1", data=Notes(**data), key=None, actor="test")  # noqa: E731
    run_id: UUID = journey.rt.database.transact(work).run_id
    journey.go()
    signal(journey.rt, run_id, "news", {"of": "today"}, signal_id="1", actor="test")
    journey.go()
    return run_id


def answer(journey: Travel, run_id: UUID, outcome: str, **values: Any) -> None:
    """Answer the run's open task, and let the run go on."""
    task = journey.one("SELECT id FROM human_tasks WHERE run_id = %s AND status = 'OPEN'", run_id)["id"]
    complete(journey.rt, task, by="olga", outcome=outcome, answer={"comment": "looked at", **values})
    journey.go()
