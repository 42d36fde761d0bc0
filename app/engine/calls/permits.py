"""Permits: a call to a downstream that has a limit asks first, and tells afterwards what it met.

The law: who gets no permit parks (no attempt spent, no thread held) until a time of its own; a permit ends with the
call's result, in the same commit, or with the lease it was taken under. A downstream without a limit costs nothing.
"""

from __future__ import annotations

from typing import Any

from app.core.declarations.limits import Limit, held_up
from app.core.errors import NotDone, OutcomeUnknown, SchemaFailure, StepError, Throttled, Transient
from app.engine.runtime import Runtime
from app.store.runs import downstreams
from app.store.runs.moves import Statement
from app.store.runs.steps import Place
from app.telemetry import logs

PATIENCE_SECONDS = 30.0  # when a downstream asks for patience and does not say how long
MOST_PATIENCE_SECONDS = 6 * 3600.0  # however long one answer asks for, all callers are not held up for longer than this


class Permits:
    """The permits of one step's calls. `transact` runs a transaction until the step's deadline."""

    def __init__(self, rt: Runtime, transact: Any) -> None:
        self._rt, self._transact = rt, transact
        self._probes: set[int] = set()

    def _limit(self, downstream: str | None) -> Limit | None:
        return self._rt.settings.downstreams.get(downstream) if downstream else None

    def take(self, place: Place, downstream: str | None, seconds: float) -> None:
        """Ask for a permit. Raises Throttled with the time at which to come again."""
        limit = self._limit(downstream)
        if limit is None:
            return
        answer = self._transact(lambda db: downstreams.take(db, place, limit, seconds))
        if not answer.granted:
            raise Throttled(held_up(limit.name, answer.why), retry_after_seconds=answer.wait_seconds)
        if answer.probe:
            self._probes.add(place.call_seq)

    def unused(self, place: Place, downstream: str | None) -> None:
        """The call was not made after all: its permit is free at once, and if it was the probe another may probe."""
        limit = self._limit(downstream)
        if limit is None:
            return
        probe = place.call_seq in self._probes
        self._probes.discard(place.call_seq)
        if probe or limit.concurrency is not None:
            self._transact(lambda db: downstreams.unused(db, place, limit, probe=probe))

    def given_back(self, place: Place, downstream: str | None) -> list[Statement]:
        """What belongs into the commit of the call's result."""
        limit = self._limit(downstream)
        return [downstreams.give_back(place)] if limit is not None and limit.concurrency is not None else []

    def answered(self, place: Place, downstream: str | None) -> None:
        """The call was answered. Worth a word only if it was the probe."""
        limit = self._limit(downstream)
        if limit is not None and place.call_seq in self._probes:
            self._tell(limit, "answered")

    def failed(self, place: Place, downstream: str | None, problem: BaseException) -> Throttled | None:
        """The call was not answered, or not as hoped. With the breaker open that is no fault of the run's: what to raise then."""
        limit = self._limit(downstream)
        if limit is None:
            return None
        if isinstance(problem, Throttled):
            asked = problem.retry_after_seconds or PATIENCE_SECONDS
            self._tell(limit, "patience", min(asked, MOST_PATIENCE_SECONDS))
        elif _speaks_of_the_request(problem):
            self.answered(place, downstream)
        elif self._tell(limit, "failed") != "closed":
            wait = limit.cooldown * (1 + self._rt.draw())
            return Throttled(f"{held_up(limit.name, 'broken')}: {problem}", retry_after_seconds=wait)
        return None

    def _tell(self, limit: Limit, what: str, seconds: float = 0.0) -> str:
        breaker: str = self._transact(lambda db: downstreams.report(db, limit, what, seconds))
        logs.event("downstream", name=limit.name, reason=what, status=breaker)
        return breaker


def _speaks_of_the_request(problem: BaseException) -> bool:
    """A refusal of this very request, or an answer that does not fit, comes from a downstream that is well."""
    if isinstance(problem, NotDone):
        return not problem.retry
    return isinstance(problem, StepError) and (
        isinstance(problem, SchemaFailure) or not isinstance(problem, Transient | OutcomeUnknown)
    )
