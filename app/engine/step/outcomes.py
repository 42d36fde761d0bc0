"""What came of a state's work, as an event for `decide`: an outcome or a wait. Ways to fail are in `failures`.

The law: each kind of state ends in exactly one event, and what a wait leaves on the row is all that is needed to wake it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from app.core.errors import Unrecoverable
from app.core.lifecycle import EventKind
from app.core.run import Event, Run
from app.core.step import StepContext
from app.core.values.durations import seconds
from app.core.workflow import Children, ChildRun, Human, State, Step, Timer, Wait, Workflow
from app.engine.runtime import Runtime
from app.engine.step import persons
from app.store.runs import payloads
from app.store.runs.moves import Beside


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The work ended in order."""

    happened: Event
    outcome: str | None = None
    task: str | None = None
    children: Sequence[ChildRun] = ()


def perform(rt: Runtime, workflow: Workflow, state: State, step: StepContext, run: Run, data: BaseModel) -> Done:
    """Do what the kind of state asks for. Raises whatever the workflow's own code raises."""
    routes, actor = workflow.routes(state), rt.actor
    match state:
        case Step():
            outcome = state.does(step, data)
            if outcome not in routes:
                known = ", ".join(sorted(routes))
                raise Unrecoverable(f"{state.name} returned {outcome!r}, which is none of its outcomes: {known}")
            event = EventKind.ENDED if "ends" in routes[outcome] else EventKind.STEP_FINISHED
            return Done(
                happened=Event(
                    kind=event,
                    actor=actor,
                    reason=outcome,
                    outcome=outcome,
                    routes=routes,
                    cause={"event": EventKind.STEP_FINISHED.value, "outcome": outcome},
                ),
                outcome=outcome,
            )
        case Wait():
            reason = state.reason(data) if state.reason else f"waits for {state.event}"
            return Done(
                happened=Event(
                    kind=EventKind.WAITS_FOR_EVENT,
                    actor=actor,
                    routes=routes,
                    waiting_reason=reason,
                    reason=reason,
                    expires_in=_maybe(state.expires),
                    cause={"event": EventKind.SIGNALLED.value},
                )
            )
        case Timer():
            reason = f"waits {state.lasts}"
            return Done(
                happened=Event(
                    kind=EventKind.WAITS_FOR_TIMER,
                    actor=actor,
                    routes=routes,
                    waiting_reason=reason,
                    reason=reason,
                    wake_in=seconds(state.lasts),
                )
            )
        case Human():
            request = state.asks(step, data)
            reason = f"{state.role}: {request.title}"
            happened = Event(
                kind=EventKind.WAITS_FOR_HUMAN,
                actor=actor,
                routes=routes,
                waiting_reason=reason,
                reason=reason,
                expires_in=_maybe(state.expires),
            )
            return Done(happened=happened, task=persons.work(state, request))
        case Children():
            children = list(state.starts(step, data))
            reason = f"{len(children)} child runs"
            happened = Event(
                kind=EventKind.WAITS_FOR_CHILDREN,
                actor=actor,
                routes=routes,
                waiting_reason=f"waits for {reason}",
                reason=reason,
                expires_in=_maybe(state.expires),
                children=len(children),
                cause={"event": EventKind.CHILDREN_ENDED.value, "step_seq": run.step_seq},
            )
            return Done(happened=happened, children=children)
        case _:
            raise Unrecoverable(f"{state.name} is of no kind the engine knows")


def _maybe(duration: str | None) -> float | None:
    return seconds(duration) if duration else None


def bounded(beside: Beside) -> Beside:
    """Refuse data that outgrew its row, rather than let every later step carry it."""
    if beside.data is not None and payloads.is_large(beside.data):
        raise Unrecoverable(f"the run's data has grown to {len(beside.data):,} characters; keep documents by reference")
    return beside
