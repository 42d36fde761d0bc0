"""The journal of one step as an attempt found it, and its writes under the attempt's lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.canonical import canonical
from app.core.errors import LeaseLost, OutcomeUnknown
from app.core.statuses import CheckpointStatus
from app.engine.holdings import Holding
from app.engine.runtime import Runtime
from app.store.rows import told
from app.store.runs import payloads, signals, steps
from app.store.runs.moves import Statement
from app.store.runs.signals import Signal
from app.store.runs.steps import Checkpoint, Place


class StepJournal:
    """What earlier attempts recorded of a step, and where this one writes.

    since: the step with which the state was first entered, where a person's answer to a doubt entered it anew.
    """

    def __init__(
        self,
        rt: Runtime,
        holding: Holding,
        *,
        run_id: UUID,
        step_seq: int,
        step_name: str,
        attempt: int,
        recorded: Mapping[int, Checkpoint],
        now: Callable[[], datetime],
        since: int | None = None,
    ) -> None:
        self._rt, self._holding, self._recorded, self._now = rt, holding, recorded, now
        self._run_id, self._step_seq, self._step_name, self._attempt = run_id, step_seq, step_name, attempt
        self._since = step_seq if since is None else since

    @property
    def place_name(self) -> str:
        """Names the step whose calls these are."""
        return f"{self._run_id}.{self._step_seq}"

    def recorded_input(self, seq: int) -> Any:
        """The input an earlier attempt recorded for a call, or None."""
        found = self._recorded.get(seq)
        return self._load(found.input) if found else None

    def waited_seconds(self, seq: int) -> float:
        """How long ago a call was begun, by the time of the database."""
        found = self._recorded.get(seq)
        return (self._now() - found.created_at).total_seconds() if found else 0.0

    def signals(self, name: str) -> list[dict[str, Any]]:
        """The signals of a name that are this step's."""
        steps_of_state = (self._since, self._step_seq)
        found: list[Signal] = self.transact(lambda db: signals.of_steps(db, self._run_id, steps_of_state, name))
        return [told(signal) for signal in found]

    def is_complete(self, seq: int) -> bool:
        """Whether an earlier attempt completed a call."""
        found = self._recorded.get(seq)
        return found is not None and found.status is CheckpointStatus.COMPLETE

    def first_recorded(self, behind: int) -> Checkpoint:
        """The first recorded call behind a number."""
        return self._recorded[min(seq for seq in self._recorded if seq > behind)]

    def place(self, seq: int) -> Place:
        """Where a call of this step is written, under this attempt's lease."""
        return Place(
            run_id=self._run_id,
            step_seq=self._step_seq,
            call_seq=seq,
            token=self._holding.token,
            attempt=self._attempt,
        )

    def give_up(self, problem: OutcomeUnknown) -> None:
        """Leave a call that is not made again to a person: only what is UNKNOWN can be judged by one. Raises LeaseLost."""
        seq = problem.call_seq
        if self._recorded[seq].status is CheckpointStatus.UNKNOWN:
            return
        error = canonical({"error": f"OutcomeUnknown: {problem}", "attempt": self._attempt, "at": self._now()})
        if not self._write([steps.result(self.place(seq), status=CheckpointStatus.UNKNOWN, error=error)])[0]:
            raise LeaseLost("what became of a call came too late: the lease is gone")

    def journal(self) -> list[Checkpoint]:
        """The step's rows as they stand now, its own first."""
        rows = self._write([steps.leased(self._run_id, self._step_seq, self._holding.token)[1]])[0]
        return [steps.as_checkpoint(row) for row in rows]

    def _load(self, value: Any) -> Any:
        if isinstance(value, dict) and "$blob" in value:
            return self.transact(lambda db: payloads.load(db, value))
        return value

    def _write(self, statements: list[Statement]) -> Any:
        return self._rt.journal.write(self._run_id, statements, until=self._holding.until)

    def transact(self, work: Any) -> Any:
        """A transaction that waits for the database until the step's deadline."""
        return self._rt.journal.transact(work, until=self._holding.until)
