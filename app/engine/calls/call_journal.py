"""One call in the journal: its intent before anything is sent, what came of it after.

The law: nothing is begun before its intent is committed, and what came of it is written under the lease it was begun
under. No row written means: ours from before a lost answer, a cancel that came first, or a lost lease. What a call used
and the permit it held are settled in the commit of its result.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.canonical import canonical, digest
from app.core.errors import CancelAccepted, LeaseLost, NeedsPerson, StepError
from app.core.ports import Answered
from app.core.statuses import CheckpointKind, CheckpointStatus
from app.engine.calls import approvals
from app.engine.calls.call import Call
from app.engine.calls.permits import Permits
from app.engine.calls.spending import Spending
from app.engine.calls.step_journal import StepJournal
from app.engine.holdings import Holding
from app.engine.runtime import Runtime
from app.store.database import DatabaseError
from app.store.runs import payloads, steps
from app.store.runs.moves import Statement
from app.store.runs.runs import restore_text
from app.store.runs.steps import Place
from app.telemetry import logs

_LOGGED_AS: Mapping[CheckpointKind, str] = {
    CheckpointKind.TOOL: "tool_call",
    CheckpointKind.MODEL: "model_call",
    CheckpointKind.LOCAL: "local_work",
    CheckpointKind.WAIT: "signal_wait",
}


class CallJournal(StepJournal):
    """Writes the intents and results of a step's calls, with the permits they ask for and what they spend."""

    def __init__(self, rt: Runtime, holding: Holding, **of_step: Any) -> None:
        super().__init__(rt, holding, **of_step)
        self._permits = Permits(rt, self.transact)
        self._spending = Spending(rt, self._run_id, self._write, self.transact)

    def _place(self, call: Call) -> Place:
        return self.place(call.seq)

    def _open(self, call: Call, statement: Statement) -> None:
        """Commit an intent. No row means: ours from before a lost answer, a cancel that came first, or a lost lease."""
        self._permits.take(self._place(call), call.downstream, call.seconds)
        try:
            self._commit_intent(call, statement)
        except (StepError, LeaseLost):
            self._permits.unused(self._place(call), call.downstream)
            raise

    def _commit_intent(self, call: Call, statement: Statement) -> None:
        try:
            rows = self._write_for(call, [*call.beside, statement])[-1]
        except DatabaseError as problem:
            if refusal := approvals.refusal(call, problem, self.transact, self._run_id):
                raise refusal from problem
            raise
        if rows:
            return
        place = self._place(call)
        lease = steps.leased(self._run_id, self._step_seq, self._holding.token)[0]
        leased, standing = self._write([lease, steps.call(place)])
        mine = (
            standing
            and standing[0]["lease_token"] == self._holding.token
            and standing[0]["status"] == CheckpointStatus.INTENT
        )
        if leased and not mine:
            self._spending.refuse_if_over(call.reserve_tokens, call.name)
        if leased and not mine and call.action and leased[0]["cancel_requested"]:
            raise CancelAccepted(f"{call.name} was not begun: the run's cancel was accepted before")
        if not (leased and mine):
            raise LeaseLost(f"{call.name} was not begun: the lease is gone, or a cancel came first")

    def _complete(self, call: Call, answered: Answered, started: float) -> Any:
        text = payloads.result_text(self.transact, answered.value)
        place, latency = self._place(call), (time.perf_counter() - started) * 1000
        recorded = steps.result(
            place,
            status=CheckpointStatus.COMPLETE,
            output=text,
            latency_ms=latency,
            tokens_in=answered.tokens_in,
            tokens_out=answered.tokens_out,
            cost=answered.cost,
        )
        # What was used before the result, and only while there is none: written again after a lost answer, it counts once.
        spent = self._spending.used(place, call.reserve_tokens, answered)
        statements = [*spent, recorded, *self._permits.given_back(place, call.downstream)]
        rows = self._write_for(call, statements, counts=bool(spent))[len(spent)]
        self._permits.answered(place, call.downstream)
        at = rows[0]["completed_at"] if rows else self._written_before(call, CheckpointStatus.COMPLETE, digest(text))
        self._log(
            call,
            CheckpointStatus.COMPLETE,
            latency,
            at,
            output=restore_text(text),
            tokens_in=answered.tokens_in,
            tokens_out=answered.tokens_out,
        )
        return self._load(restore_text(text))

    def _written_before(self, call: Call, status: CheckpointStatus, output_hash: str | None = None) -> datetime:
        """When a result was written whose commit went through unseen: by this lease, under which each call is made once."""
        standing = self._write([steps.call(self._place(call))])[0]
        row = standing[0] if standing else None
        if row is None or (row["lease_token"], row["status"]) != (self._holding.token, status):
            raise LeaseLost(f"the outcome of {call.name} came too late: the lease is gone")
        if output_hash is not None and row["output_hash"] != output_hash:
            raise LeaseLost(f"the result of {call.name} came too late: the lease is gone")
        at: datetime = row["completed_at"]
        return at

    def _record(self, call: Call, status: CheckpointStatus, problem: BaseException, started: float) -> None:
        said = {"error": f"{type(problem).__name__}: {problem}"[:4000], "attempt": self._attempt, "at": self._now()}
        latency, place = (time.perf_counter() - started) * 1000, self._place(call)
        spent = problem.spent if isinstance(problem, StepError) and isinstance(problem.spent, Answered) else None
        gave: dict[str, Any] = {}
        if spent is not None:  # a model's answer that cannot be used was paid for all the same
            gave = {"tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out, "cost": spent.cost}
            text = payloads.result_text(self.transact, spent.value)
            said |= {**gave, "output": text[:4000]}
            gave["output"] = text
        settled = self._spending.failed(place, call.reserve_tokens, problem)
        statements = [*settled, steps.result(place, status=status, error=canonical(said), latency_ms=latency, **gave)]
        if status is CheckpointStatus.FAILED and call.action is not None:
            statements.append(steps.stands_no_longer(place))
        statements += self._permits.given_back(place, call.downstream)
        rows = self._write_for(call, statements, counts=bool(settled))[len(settled)]
        at = rows[0]["completed_at"] if rows else self._written_before(call, status)
        told = (
            problem.unsure if isinstance(problem, NeedsPerson) else str(problem)
        )  # what was seen is for people, not for logs
        used = {"tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out} if spent else {}
        self._log(call, status, latency, at, error=told, **used)

    def _learned(self, call: Call, status: CheckpointStatus, problem: Exception, started: float) -> None:
        """Record a call that went wrong, and tell what that says of its downstream."""
        self._record(call, status, problem, started)
        held = self._permits.failed(self._place(call), call.downstream, problem)
        if held is not None and status is CheckpointStatus.FAILED:  # parks the step, and spends no attempt
            raise held from problem

    def _log(self, call: Call, status: CheckpointStatus, latency: float, at: datetime, **more: Any) -> None:
        logs.event(
            _LOGGED_AS[call.kind],
            run_id=str(self._run_id),
            step=self._step_name,
            step_seq=self._step_seq,
            call_seq=call.seq,
            name=call.name,
            status=status,
            timestamp=at.isoformat(),
            input=restore_text(canonical(call.params)),
            latency_ms=latency,
            model=call.model,
            **more,
        )

    def _write_for(self, call: Call, statements: list[Statement], *, counts: bool = False) -> Any:
        return self._spending.write(statements) if counts or call.reserve_tokens else self._write(statements)
