"""The words a workflow is written in. The law: a definition is data, and one that cannot work is refused at import.

Checked when it is made: every outcome leads to a state or an ending, every state is reached, every wait can end,
names are words in capitals, no name is used twice. `definition_hash` is what a run is pinned to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from app.core import definition, ids
from app.core.canonical import canonical
from app.core.declarations.roles import OPERATOR
from app.core.errors import InvalidDefinition
from app.core.lifecycle import Status
from app.core.retry import TRANSIENT, RetryPolicy
from app.core.step import StepContext
from app.core.values.durations import seconds

POOLS = ("steps", "documents", "isolated")
EXPIRED = "expired"
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")

StepFunction = Callable[[StepContext, Any], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An action that approving a human task would permit; the approval is bound to exactly these values.

    claim: the business key the effect is for; empty: the run's subject. Of one claim, coverage, payee and purpose there is
    one effect, across all runs. amount_field, payee_field: the form's fields whose values replace these, when the person may
    change them; whoever changes the payee, or the amount by more than the share `tolerance` of it, becomes its proposer,
    and somebody else must approve. paid_before: what claim and coverage have been paid already, as the person is shown;
    where more was paid, to whomever, nothing is. content: what else the call must carry, exactly: the `recipient` of a
    letter and the `sha256` of its bytes. A purpose that ends in `_letter` moves no money.
    """

    purpose: str
    payee: str
    amount: Decimal
    currency: str
    coverage: str
    claim: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    tolerance: Decimal = Decimal(0)
    paid_before: Decimal = Decimal(0)
    content: Mapping[str, str] | None = None
    amount_field: str | None = None
    payee_field: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a person is asked: a title, a written note, values to start the form with, evidence, proposed actions.

    `approves` says which purposes an outcome approves; `not_by` names people who may not answer; `outcomes` offers only
    some of the state's.
    """

    title: str
    note: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, Any]] = ()
    proposals: Sequence[Proposal] = ()
    approves: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_by: Sequence[str] = ()
    outcomes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildRun:
    """A child to start: its workflow, its subject and its first data."""

    workflow: str
    subject: str
    data: BaseModel


@dataclass(frozen=True, slots=True)
class State:
    """What all kinds of state share: a name, where each outcome leads, and its patience."""

    name: str
    then: Mapping[str, str] = field(kw_only=True)
    expected: str = field(default="1m", kw_only=True)
    timeout: str = field(default="5m", kw_only=True)
    retry: RetryPolicy = field(default=TRANSIENT, kw_only=True)
    pool: str = field(default="steps", kw_only=True)

    @property
    def timeout_seconds(self) -> float:
        return seconds(self.timeout)


@dataclass(frozen=True, slots=True)
class Step(State):
    """Work done by a worker: `does(step, data)` returns the name of an outcome. `doubts_to` is the role it asks when unsure."""

    does: StepFunction = field(kw_only=True)
    doubts_to: str = field(default=OPERATOR, kw_only=True)


@dataclass(frozen=True, slots=True)
class Wait(State):
    """Waits for a signal of the name `event`; if `expires` passes first, the outcome is "expired"."""

    event: str = field(kw_only=True)
    expires: str | None = field(default=None, kw_only=True)
    # What the run waits for, in words: shown by `explain` and the run page. May depend on the data.
    reason: Callable[[Any], str] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Timer(State):
    """Waits as long as `lasts` says, counted from when the state is entered; then the outcome is "due"."""

    lasts: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Human(State):
    """Asks a person of `role`; `due` is an SLA that never moves the run, `expires` does, by the outcome "expired"."""

    form: type[BaseModel] = field(kw_only=True)
    role: str = field(kw_only=True)
    asks: Callable[[StepContext, Any], Request] = field(kw_only=True)
    due: str = field(default="48h", kw_only=True)
    expires: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Children(State):
    """Starts child runs and waits until each has ended; the outcome is "ended"."""

    starts: Callable[[StepContext, Any], Sequence[ChildRun]] = field(kw_only=True)
    expires: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A named, versioned state machine. Raises InvalidDefinition if it cannot work."""

    name: str
    version: int
    data: type[BaseModel]
    starts_at: str
    states: Sequence[State]
    endings: Mapping[str, Status] = field(
        default_factory=lambda: {ending.value: ending for ending in (Status.COMPLETE, Status.FAILED)}
    )
    expected: str = "7d"
    token_budget: int | None = None
    # What else people look a run up by, (kind, name) each, read from its data: ("policy", "POL-1"). Kept when it changes.
    names: Callable[[Any], Sequence[tuple[str, str]]] | None = None

    def __post_init__(self) -> None:
        _validate(self)

    @cached_property
    def by_name(self) -> Mapping[str, State]:
        return {state.name: state for state in self.states}

    @cached_property
    def _routes(self) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
        return {s.name: {outcome: self.route(target) for outcome, target in s.then.items()} for s in self.states}

    @cached_property
    def definition_hash(self) -> str:
        """What a run is pinned to: how it moves, functions by their names, and what its data and its forms hold.

        Whether two of them mean the same says `app.core.definition`.
        """
        moves = canonical([self.name, self.version, self.starts_at, self.endings, [_shape(s) for s in self.states]])
        forms = {state.name: state.form for state in self.states if isinstance(state, Human)}
        return definition.hash_of(moves, data=self.data, forms=forms)

    def route(self, state: str) -> dict[str, str]:
        """How to reach `state`: what a run's `routes` hold for whoever wakes it, without workflow code."""
        if state in self.endings:
            return {"state": state, "ends": self.endings[state].value}
        target = self.by_name[state]
        return {"state": state, "queue": ids.queue_name(target.pool, self.name, self.version)}

    def routes(self, state: State) -> Mapping[str, Mapping[str, str]]:
        """The routes of every outcome of a state."""
        return self._routes[state.name]


def _shape(state: State) -> dict[str, Any]:
    plain = {name: getattr(state, name) for name in state.__dataclass_fields__}
    return {"kind": type(state).__name__} | {k: _by_name(v) for k, v in plain.items()}


def _by_name(value: Any) -> Any:
    if isinstance(value, type) or callable(value):
        return f"{value.__module__}:{value.__qualname__}"
    return value


def _validate(workflow: Workflow) -> None:
    def refuse(problem: str) -> None:
        raise InvalidDefinition(f"workflow {workflow.name}: {problem}")

    if not re.fullmatch(r"[a-z][a-z0-9_]*", workflow.name):
        refuse("its name must be lower-case words joined by underscores")
    names = [state.name for state in workflow.states]
    for name in [*names, *workflow.endings]:
        if not _NAME.fullmatch(name):
            refuse(f"the state {name!r} must be in capitals, such as AWAITING_REVIEW")
        if [*names, *workflow.endings].count(name) > 1:
            refuse(f"the name {name} is used twice")
    if workflow.starts_at not in names:
        refuse(f"it starts at {workflow.starts_at!r}, which is none of its states")
    for state in workflow.states:
        for problem in _problems(state, set(names), set(workflow.endings)):
            refuse(f"{state.name} {problem}")
    reached = _reached(workflow)
    for name in names:
        if name not in reached:
            refuse(f"no outcome leads to {name}; lead one there or remove it")
    if not reached & set(workflow.endings):
        refuse("no ending can be reached")


def _problems(state: State, names: set[str], endings: set[str]) -> list[str]:
    found = [
        f"sends {outcome!r} to {target!r}, which does not exist"
        for outcome, target in state.then.items()
        if target not in names | endings
    ]
    if not state.then:
        found.append("has no outcome")
    if state.pool not in POOLS:
        found.append(f"is in the pool {state.pool!r}; the pools are {', '.join(POOLS)}")
    for name in ("expected", "timeout", "expires", "due", "lasts"):
        if getattr(state, name, None) is not None:
            seconds(getattr(state, name))
    needs = {Wait: "its event", Timer: "'due'", Children: "'ended'"}.get(type(state))
    outcome = {Wait: getattr(state, "event", ""), Timer: "due", Children: "ended"}.get(type(state))
    if needs and outcome not in state.then:
        found.append(f"has no route for {needs}")
    if isinstance(state, Human) and not set(state.then) - {EXPIRED}:
        found.append("has no outcome a person could choose")
    if not isinstance(state, Step):
        found += [
            f"sends {outcome!r} to an ending; only a Step may end the run"
            for outcome, t in state.then.items()
            if t in endings
        ]
    expires = getattr(state, "expires", None)
    if expires and EXPIRED not in state.then:
        found.append("expires, but has no route for 'expired'")
    if EXPIRED in state.then and not expires and isinstance(state, (Wait, Human, Children)):
        found.append("has a route for 'expired', but never expires")
    return found


def _reached(workflow: Workflow) -> set[str]:
    reached, todo = set[str](), [workflow.starts_at]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            if name in workflow.by_name:
                todo += workflow.by_name[name].then.values()
    return reached
