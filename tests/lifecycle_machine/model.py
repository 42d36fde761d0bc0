"""The plain model: how a run may move, said once more and in other words than `app.core.decide` says it.

It is written from the design's tables alone and calls nothing of the product. Each method is one thing that happens to a
run; it changes the run as the design says and notes the move. What the journal holds of calls is in `calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

ENDED = frozenset({"COMPLETE", "FAILED", "CANCELLED"})
STAYS = ""  # a route that leads back into the same step
CRASHES_ALONE = 2
LATE_RETRIES = 2
LATE_RETRY_SECONDS = 900.0


@dataclass(frozen=True)
class Move:
    """One move as the history must hold it. wake, expires: seconds after it, None: never."""

    event: str
    status: str
    state: str
    step_seq: int
    attempt: int
    wake: float | None = None
    expires: float | None = None


@dataclass(eq=False)
class Run:
    """A run as it must stand."""

    number: int
    id: UUID
    workflow: str
    state: str = "WORKING"
    status: str = "READY"
    step_seq: int = 1
    attempt: int = 1
    crashes: int = 0
    late: int = 0
    pending: list[str] = field(default_factory=list)
    pause: bool = False
    cancel: bool = False
    left: int = 0
    isolated: bool = False
    routes: dict[str, str] = field(default_factory=dict)
    holder: Any = None  # the attempt that has the lease
    task: str | None = None  # the kind of the one open human task
    asked_about: int | None = None  # the call an open task of the kind "unknown" is about
    parent: Run | None = None
    parent_step: int = 0
    forked: bool = False
    log: list[Move] = field(default_factory=list)
    signals: dict[str, tuple[str, str]] = field(default_factory=dict)
    approved: list[int] = field(default_factory=list)  # the steps in which an approval was given
    verdicts: dict[tuple[int, int], list[bool]] = field(default_factory=dict)  # by call: did it happen?
    origins: dict[int, tuple[UUID, int]] = field(default_factory=dict)  # by step, whose plan of calls it follows

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def origin(self, step_seq: int) -> tuple[UUID, int]:
        """Whose plan of calls a step follows: its own, or that of the step it repeats."""
        return self.origins.get(step_seq, (self.id, step_seq))


class Model:
    """All runs of an example. `stands(run)`: whether an irreversible call of the run stands in the journal."""

    def __init__(self, stands: Callable[[Run], bool]) -> None:
        self.runs: list[Run] = []
        self._stands = stands

    def start(self, run_id: UUID, workflow: str, **more: Any) -> Run:
        run = Run(len(self.runs), run_id, workflow, **more)
        run.log.append(Move("started", "READY", run.state, 1, 1))
        self.runs.append(run)
        return run

    def lease(self, run: Run, attempt: Any) -> None:
        run.crashes += 1
        self._note(run, "lease taken", "RUNNING", keeps=True)
        run.holder = attempt

    # What a step comes to.

    def ends(self, run: Run, ending: str) -> None:
        if self._is_to_be_cancelled(run):
            return self._cancelled(run, "ended")
        run.state, run.crashes = ending, 0
        self._end(run, "ended", ending)
        return None

    def finishes(self, run: Run, target: str) -> None:
        self._ready(run, "step finished", target)

    def waits_for_event(self, run: Run, routes: Mapping[str, str], expires: float | None, *, suspended: bool) -> None:
        event = "step suspended" if suspended else "step waits for an event"
        if self._is_to_be_cancelled(run):
            return self._cancelled(run, event)
        run.crashes = 0
        if name := next((name for name in run.pending if name in routes), None):
            run.pending = [other for other in run.pending if other != name]
            return self._ready(run, event, routes[name])
        return self._wait(run, event, "WAITING_FOR_EVENT", routes, expires=expires)

    def waits_for_person(self, run: Run, routes: Mapping[str, str], expires: float | None) -> None:
        self._park(run, "step asks a person", "WAITING_FOR_HUMAN", routes, task="work", expires=expires)

    def waits_for_time(self, run: Run, routes: Mapping[str, str], wake: float) -> None:
        self._park(run, "step waits for a time", "WAITING_FOR_TIMER", routes, wake=wake)

    def waits_for_children(self, run: Run, routes: Mapping[str, str], expires: float, ids: list[UUID]) -> None:
        event = "step waits for children"
        if self._is_to_be_cancelled(run):
            return self._cancelled(run, event)
        run.crashes = 0
        if not ids:
            return self._ready(run, event, routes["ended"])
        self._wait(run, event, "WAITING_FOR_CHILDREN", routes, expires=expires)
        run.left = len(ids)
        for child in ids:
            self.start(child, "twig", parent=run, parent_step=run.step_seq)
        return None

    def fails(self, run: Run, tries: int, backoff: float) -> None:
        if run.attempt >= tries:
            return self.exhausted(run)
        run.attempt += 1
        return self._park(run, "attempt failed", "WAITING_FOR_TIMER", {}, wake=backoff)

    def sent_away(self, run: Run, event: str, wake: float) -> None:
        """Throttled, or an outcome too fresh to judge: no attempt is spent."""
        self._park(run, event, "WAITING_FOR_TIMER", {}, wake=wake)

    def exhausted(self, run: Run) -> None:
        wake = LATE_RETRY_SECONDS if run.late < LATE_RETRIES else None
        self._park(run, "no attempts left", "FAILED_RETRIABLE", {}, wake=wake, task="triage")

    def needs_person(self, run: Run, task: str, routes: Mapping[str, str], call: int | None = None) -> None:
        self._park(run, "needs a person", "WAITING_FOR_HUMAN", routes, task=task)
        run.asked_about = call if run.task else None

    def unrecoverable(self, run: Run, event: str = "unrecoverable error") -> None:
        self._park(run, event, "DEAD_LETTER", {}, task="triage")

    # What becomes of a lease.

    def handed_back(self, run: Run) -> None:
        run.crashes = 0
        self._ready(run, "lease handed back", STAYS)

    def lost(self, run: Run, *, counts: bool, isolate: bool) -> None:
        """Taken from its worker, and in the next moment reassigned."""
        if not counts:
            run.crashes = max(0, run.crashes - 1)
        self._note(run, "worker lost", "SUSPECTED_DEAD")
        if run.crashes >= CRASHES_ALONE:
            return self.unrecoverable(run, "crashed alone too often")
        run.isolated = run.isolated or isolate
        return self._ready(run, "reassigned", STAYS)

    # What comes from outside.

    def signalled(self, run: Run, name: str) -> None:
        run.pending.append(name)
        if run.status == "WAITING_FOR_EVENT" and name in run.routes:
            run.pending = [other for other in run.pending if other != name]
            self._ready(run, "signals came", run.routes[name])

    def answered(self, run: Run, outcome: str) -> None:
        self._ready(run, "person answered", run.routes[outcome])

    def time_has_come(self, run: Run) -> None:
        if run.status == "FAILED_RETRIABLE":
            run.late += 1
            return self.tried_again(run, "retried")
        return self._ready(run, "timer due", run.routes.get("due", STAYS))

    def expired(self, run: Run) -> None:
        self._ready(run, "wait expired", run.routes["expired"])

    def tried_again(self, run: Run, event: str) -> None:
        run.attempt, run.crashes = 1, 0
        self._ready(run, event, STAYS)

    def failed_by_operator(self, run: Run) -> None:
        self._end(run, "failed by an operator", "FAILED")

    def may_pause(self, run: Run) -> bool:
        return not run.ended and run.status not in {"PAUSED", "DEAD_LETTER", "FAILED_RETRIABLE"}

    def pause(self, run: Run) -> None:
        if run.status == "READY":
            self._note(run, "paused", "PAUSED")
        else:
            run.pause = True

    def may_resume(self, run: Run) -> bool:
        return run.status == "PAUSED" or run.pause

    def resume(self, run: Run) -> None:
        if run.status == "PAUSED":
            self._note(run, "resumed", "READY")
        run.pause = False

    def family(self, run: Run) -> list[Run]:
        """The run and its descendants that have not ended, in the order in which they are locked."""
        kin, found = {run.id}, [run]
        for other in self.runs:  # children stand after their parents
            if other.parent is not None and other.parent.id in kin:
                kin.add(other.id)
                found.append(other)
        return sorted((one for one in found if not one.ended), key=lambda one: one.id)

    def may_cancel(self, run: Run) -> bool:
        return not run.ended and not any(self._stands(one) for one in self.family(run))

    def cancel(self, run: Run) -> None:
        for one in self.family(run):
            if one.status == "RUNNING":
                one.cancel = True
            elif not one.ended:
                self._cancelled(one, "cancelled")

    # The few things they have in common.

    def _is_to_be_cancelled(self, run: Run) -> bool:
        return run.cancel and not self._stands(run)

    def _ready(self, run: Run, event: str, target: str) -> None:
        """READY, or what was asked for meanwhile: a cancel goes before a pause."""
        if self._is_to_be_cancelled(run):
            return self._cancelled(run, event)
        if target != STAYS:
            run.state, run.step_seq = target, run.step_seq + 1
            run.attempt, run.crashes, run.late, run.isolated = 1, 0, 0, False
        paused, run.pause = run.pause, False
        return self._note(run, event, "PAUSED" if paused else "READY")

    def _park(
        self,
        run: Run,
        event: str,
        status: str,
        routes: Mapping[str, str],
        *,
        wake: float | None = None,
        expires: float | None = None,
        task: str | None = None,
    ) -> None:
        if self._is_to_be_cancelled(run):
            return self._cancelled(run, event)
        run.crashes = 0
        self._wait(run, event, status, routes, wake=wake, expires=expires)
        run.task = task
        return None

    def _wait(
        self,
        run: Run,
        event: str,
        status: str,
        routes: Mapping[str, str],
        *,
        wake: float | None = None,
        expires: float | None = None,
    ) -> None:
        self._note(run, event, status, wake=wake, expires=expires)
        run.routes = dict(routes)

    def _cancelled(self, run: Run, event: str) -> None:
        self._end(run, event, "CANCELLED")

    def _end(self, run: Run, event: str, status: str) -> None:
        self._note(run, event, status)
        parent = run.parent
        if parent is not None and (parent.status, parent.step_seq) == ("WAITING_FOR_CHILDREN", run.parent_step):
            parent.left -= 1
            if parent.left == 0:
                self._ready(parent, "children ended", parent.routes["ended"])

    def _note(
        self,
        run: Run,
        event: str,
        status: str,
        *,
        wake: float | None = None,
        expires: float | None = None,
        keeps: bool = False,
    ) -> None:
        """Nothing that a wait or a stop left on the row outlives it."""
        run.status, run.holder = status, None
        if not keeps:
            run.routes, run.left, run.task, run.asked_about = {}, 0, None, None
        run.log.append(Move(event, status, run.state, run.step_seq, run.attempt, wake, expires))
