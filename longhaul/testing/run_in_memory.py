"""A run of a workflow in memory. The law: how it moves, the product's own `decide` says; only time and the database are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid5

from pydantic import BaseModel

from app.core.canonical import canonical, parse_json
from app.core.decide import decide
from app.core.errors import Refused
from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run
from app.core.workflow import Children, ChildRun, Human, Proposal, Request, State, Step, Timer, Workflow
from longhaul.testing.fake_step import NOW, RUN_ID, Called, FakeStep

_ACTOR = "test"


class RunInMemory:
    """A run that moves when the test says what happens.

    calls, asks: as of a `FakeStep`, for all states. Between two states the data are written and read as JSON, as in a database.
    `go` begins; each of `answer`, `signal`, `timer_due`, `expires` and `children_ended` goes on until the run waits again or ends. What a
    function of the workflow raises comes out of them; the run then stands before that state, and `go` tries it again.

    path: the states it entered, the ending included. step: the last one's `FakeStep`. called: the calls of all.
    request: what a person is asked now. started: the children it waits for.
    """

    def __init__(
        self,
        workflow: Workflow,
        data: BaseModel | Mapping[str, Any],
        *,
        subject: str = "S-1",
        calls: Mapping[str, Any] | None = None,
        asks: Mapping[str, Any] | None = None,
        now: datetime = NOW,
    ) -> None:
        self.workflow, self.data = workflow, self._kept(workflow, data)
        self.path = [workflow.starts_at]
        self.step = FakeStep(subject=subject, now=now)
        self.called: list[Called] = []
        self.request: Request | None = None
        self.started: Sequence[ChildRun] = ()
        self._calls, self._asks, self._now = calls or {}, asks or {}, now
        self._entered: dict[str, Any] = {}
        self._signals: list[dict[str, Any]] = []
        self._run = Run(
            id=RUN_ID,
            workflow=workflow.name,
            workflow_version=workflow.version,
            subject=subject,
            state=workflow.starts_at,
            status=Status.READY,
            step_seq=1,
            queue="",
        )

    @property
    def state(self) -> str:
        """The state it stands in, or its ending."""
        return self._run.state

    @property
    def status(self) -> Status:
        """Whether it waits, and for what, or has ended."""
        return self._run.status

    def go(self) -> RunInMemory:
        """Work until the run waits or has ended."""
        while self._run.status is Status.READY:
            self._move(Event(kind=EventKind.LEASE_TAKEN, actor=_ACTOR))
            try:
                happened = self._perform(self.workflow.by_name[self.state])
            except BaseException:
                self._move(Event(kind=EventKind.HANDED_BACK, actor=_ACTOR))
                raise
            self._move(happened)
        return self

    def answer(self, outcome: str, *, by: str = "somebody", signed: bool = True, **values: Any) -> RunInMemory:
        """A person answers, with values that fit the form, and so approves what the outcome does.

        signed: their approval is enough; if not, the actions are PROPOSED and somebody else must approve them.
        Raises Refused for an outcome that is not offered, pydantic's ValidationError for values that do not fit.
        """
        state = self.workflow.by_name[self.state]
        if self.request is None or not isinstance(state, Human):
            raise Refused(f"nobody is asked anything in {self.state}")
        if outcome not in (self.request.outcomes or state.then):
            raise Refused(f"{outcome!r} is not offered")
        given: dict[str, Any] = {
            "outcome": outcome,
            "values": state.form.model_validate(values).model_dump(mode="json"),
            "by": by,
        }
        status = "APPROVED" if signed else "PROPOSED"
        if actions := {p.purpose: _action(p, given["values"], status) for p in _chosen(self.request, outcome)}:
            given["actions"] = actions
        cause = {"event": EventKind.ANSWERED.value, "answer": given}
        self._move(Event(kind=EventKind.ANSWERED, actor=f"person:{by}", outcome=outcome, cause=cause))
        return self.go()

    def signal(self, name: str, payload: Any = None) -> RunInMemory:
        """A signal comes; one that nothing waits for yet is kept."""
        signal_id = f"{name}-{len(self._signals) + 1}"
        self._signals.append({"id": signal_id, "name": name, "payload": payload, "actor": _ACTOR, "at": self._now})
        self._run = replace(self._run, pending_events=(*self._run.pending_events, name))
        if self.status is Status.WAITING_FOR_EVENT and name in self._run.routes:
            self._happens(EventKind.SIGNALLED)
        return self

    def timer_due(self) -> RunInMemory:
        """The time of a `Timer` has passed."""
        return self._happens(EventKind.TIMER_DUE)

    def expires(self) -> RunInMemory:
        """What the run waits for has not come in time."""
        return self._happens(EventKind.EXPIRED)

    def children_ended(self, *children: Mapping[str, Any]) -> RunInMemory:
        """All children have ended: `id`, `subject`, `state`, `status` and `data` of each, as the next state reads them."""
        self._entered["children"] = children
        return self._happens(EventKind.CHILDREN_ENDED)

    def _happens(self, kind: EventKind) -> RunInMemory:
        self._move(Event(kind=kind, actor=_ACTOR, cause={"event": kind.value}))
        return self.go()

    def _perform(self, state: State) -> Event:
        """Do what the kind of state asks for, as `app.engine.step.outcomes` does; what it leaves behind is kept here."""
        self.step = FakeStep(
            calls=self._calls,
            asks=self._asks,
            subject=self._run.subject,
            state=state.name,
            now=self._now,
            **self._entered,
        )
        data = self.data.model_copy(deep=True)
        kind, outcome, children = EventKind.WAITS_FOR_EVENT, None, 0
        self.request, self.started = None, ()
        try:
            match state:
                case Step():
                    outcome = state.does(self.step, data)
                    ends = "ends" in self.workflow.routes(state).get(outcome, {})
                    kind = EventKind.ENDED if ends else EventKind.STEP_FINISHED
                case Human():
                    self.request, kind = state.asks(self.step, data), EventKind.WAITS_FOR_HUMAN
                case Timer():
                    kind = EventKind.WAITS_FOR_TIMER
                case Children():
                    self.started, kind = tuple(state.starts(self.step, data)), EventKind.WAITS_FOR_CHILDREN
                    children = len(self.started)
        finally:
            self.called += self.step.called
        self.data = self._kept(self.workflow, data)
        cause = {"event": EventKind.STEP_FINISHED.value, "outcome": outcome} if outcome else {}
        routes = self.workflow.routes(state)
        return Event(kind=kind, actor=_ACTOR, outcome=outcome, routes=routes, children=children, cause=cause)

    def _move(self, happened: Event) -> None:
        move = decide(self._run, happened)
        if move.enters:
            consumed = [s for s in self._signals if s["name"] == move.consumes]
            self._signals = [s for s in self._signals if s not in consumed]
            answered, children = move.cause.get("answer", {}), self._entered.get("children", ())
            came = children if happened.kind is EventKind.CHILDREN_ENDED else ()
            self._entered = {"cause": move.cause, "answer": answered, "signals": consumed, "children": came}
        if move.state != self.state or move.enters:
            self.path.append(move.state)
        self._run = replace(
            self._run,
            state=move.state,
            status=move.status,
            step_seq=move.step_seq,
            queue=move.queue,
            routes=move.routes,
            pending_events=move.pending_events,
            waiting_reason=move.waiting_reason,
            children_left=move.children_left,
            transition_seq=self._run.transition_seq + 1,
        )

    @staticmethod
    def _kept(workflow: Workflow, data: BaseModel | Mapping[str, Any]) -> Any:
        """The data as they are read back from a database. Raises pydantic's ValidationError if they do not fit the workflow."""
        return workflow.data.model_validate(parse_json(canonical(data)))


def _chosen(request: Request, outcome: str) -> list[Proposal]:
    return [p for p in request.proposals if p.purpose in request.approves.get(outcome, ())]


def _action(proposal: Proposal, values: Mapping[str, Any], status: str) -> dict[str, str]:
    """What an approved action is to the next state; the form's fields stand for what the person may change."""
    payee, amount = (values.get(field or "") for field in (proposal.payee_field, proposal.amount_field))
    return {
        "id": str(uuid5(RUN_ID, proposal.purpose)),
        "purpose": proposal.purpose,
        "payee": str(payee or proposal.payee),
        "amount": f"{Decimal(str(amount or proposal.amount)):.2f}",
        "currency": proposal.currency,
        "coverage": proposal.coverage,
        "status": status,
    }
