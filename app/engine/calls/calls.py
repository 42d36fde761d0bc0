"""Durable calls: intent committed, act, result committed; and what becomes of a call whose outcome is unknown.

The law. A COMPLETE checkpoint is returned and nothing is done. Every exception of a call is UNKNOWN unless the tool
says NotDone. An unknown call with an effect is repeated only under its own key while that is valid, else asked for,
else given to a person; "not found" is believed only when the intent is older than the call could still be under way,
and nothing is sent on an intent of that age: it is written anew, under the lease, before.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.errors import (
    CancelAccepted,
    Contradicted,
    Diverged,
    LeaseLost,
    NeedsPerson,
    NotDone,
    OutcomeUnknown,
    StepError,
    Suspended,
    Transient,
)
from app.core.ports import Answered
from app.engine import clock
from app.engine.calls import approvals, asked
from app.engine.calls.call import Call
from app.engine.calls.effects import RETRY_UNKNOWN_SECONDS, Effects
from app.engine.calls.permits import Permits
from app.engine.calls.spending import Spending
from app.engine.calls.step_journal import StepJournal
from app.engine.holdings import Holding
from app.engine.runtime import Runtime
from app.store.clock import last_step
from app.store.database import DatabaseError
from app.store.runs import payloads, steps
from app.store.runs.moves import Statement
from app.store.runs.runs import restore_text
from app.store.runs.steps import Checkpoint, Place
from app.telemetry import logs


class Caller(StepJournal):
    """Makes the calls of one step under one lease."""

    def __init__(self, rt: Runtime, holding: Holding, **of_step: Any) -> None:
        super().__init__(rt, holding, **of_step)
        self.effects = Effects(self._recorded)
        self._permits = Permits(rt, self.transact)
        self._spending = Spending(rt, self._run_id, self._write, self.transact)

    def make(self, call: Call) -> Any:
        """The call's result: the recorded one, or that of acting now."""
        # Counted as open before it is committed: a planned shutdown must not hand the lease back in between.
        with self._rt.holdings.intent(self._holding), self.effects.of(call):
            return self._make(call)

    def _make(self, call: Call) -> Any:
        text = payloads.result_text(self.transact, call.params)
        found = self._recorded.get(call.seq)
        if found is None:
            return self._first(call, text)
        if call.asks_another_model(found):
            return self._redirected(call, found, text)
        self._same(found, call, text)
        if found.status == "COMPLETE":
            return self._load(found.output)
        if found.status == "FAILED" or not call.has_effect:
            return self._again(call, found, time.monotonic())
        return self._settle(call, found)

    def _place(self, call: Call) -> Place:
        return self.place(call.seq)

    def _same(self, found: Checkpoint, call: Call, text: str) -> None:
        if (found.name, found.input_hash) == (call.name, digest(text)):
            return
        what = f"call {call.seq} of {self._step_name} is {call.name}, but the journal holds {found.name}"
        if found.name == call.name:
            what = f"call {call.seq} of {self._step_name} ({call.name}) has another input than the journal holds"
        why = "the step's code changed under a running run, or it depends on something not journaled"
        raise Diverged(f"{what}; {why}", call_seq=call.seq, made={"call": call.name, "parameters": call.params})

    def _first(self, call: Call, text: str) -> Any:
        key = ids.idempotency_key(self._run_id, self._step_seq, call.seq, 0)
        statement = steps.intent(
            self._place(call),
            step_name=self._step_name,
            kind=call.kind,
            name=call.name,
            input_text=text,
            key=key,
            action=call.action,
            key_seconds=call.tool.key_valid_seconds if call.tool else None,
            model=call.model,
            prompt_version=call.prompt_version,
        )
        begun = time.monotonic()
        self._open(call, self._spending.reserve(statement, call.reserve_tokens))
        return self._act(call, key, begun)

    def _again(self, call: Call, found: Checkpoint, begun: float) -> Any:
        """Act again under the same key: certainly without effect so far, or harmless to repeat from `begun` for a call's length."""
        reopened = steps.reopen(self._place(call), action=call.action)
        self._open(call, self._spending.reserve(reopened, call.reserve_tokens))
        return self._act(call, found.key or "", begun)

    def _redirected(self, call: Call, found: Checkpoint, text: str) -> Any:
        """A question that was never answered goes to the model that is named now; whom it was for is kept beside its errors."""
        said = f"asked of {found.input['provider']} and never answered; now asked of {call.params['provider']}"
        note = canonical({"error": said, "attempt": self._attempt, "at": self._now()})
        redirected = steps.redirect(self._place(call), input_text=text, model=call.model, note=note)
        self._open(call, self._spending.reserve(redirected, call.reserve_tokens))
        return self._act(call, found.key or "", time.monotonic())

    def _anew(self, call: Call) -> float:
        """Nothing was sent on an intent while it was young enough: it is written once more; when that began.

        What an earlier attempt may have sent is judged by the rules from the start instead: its key may be void by now.
        """
        found = self._recorded.get(call.seq)
        if call.has_effect and found is not None and found.status != "FAILED":
            raise OutcomeUnknown(
                f"{call.name} was not repeated in time", call_seq=call.seq, retry_in_seconds=RETRY_UNKNOWN_SECONDS
            )
        begun = time.monotonic()
        self._open(call, steps.reopen(self._place(call), action=call.action, come_from=("INTENT",)))
        return begun

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
        mine = standing and standing[0]["lease_token"] == self._holding.token and standing[0]["status"] == "INTENT"
        if leased and not mine:
            self._spending.refuse_if_over(call.reserve_tokens, call.name)
        if leased and not mine and call.action and leased[0]["cancel_requested"]:
            raise CancelAccepted(f"{call.name} was not begun: the run's cancel was accepted before")
        if not (leased and mine):
            raise LeaseLost(f"{call.name} was not begun: the lease is gone, or a cancel came first")

    def _act(self, call: Call, key: str, begun: float) -> Any:
        """Send, if no more than the call's time-out has passed since `begun`: when its intent was not even queued."""
        while not self._rt.holdings.may_send(self._holding, begun + call.seconds):
            begun = self._anew(call)
        started = time.perf_counter()
        with self._rt.holdings.intent(self._holding):
            try:
                answered = call.act(key)
            except (LeaseLost, Suspended):  # neither says anything of the call: its intent stands
                raise
            except NotDone as problem:
                self._not_done(call, problem, started)
                raise
            except Exception as problem:
                raise self._unknown(call, problem, started) from problem
            return self._complete(call, answered, started)

    def _complete(self, call: Call, answered: Answered, started: float) -> Any:
        text = payloads.result_text(self.transact, answered.value)
        place, latency = self._place(call), (time.perf_counter() - started) * 1000
        recorded = steps.result(
            place,
            status="COMPLETE",
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
        at = rows[0]["completed_at"] if rows else self._written_before(call, "COMPLETE", digest(text))
        self._log(
            call,
            "COMPLETE",
            latency,
            at,
            output=restore_text(text),
            tokens_in=answered.tokens_in,
            tokens_out=answered.tokens_out,
        )
        return self._load(restore_text(text))

    def _written_before(self, call: Call, status: str, output_hash: str | None = None) -> datetime:
        """When a result was written whose commit went through unseen: by this lease, under which each call is made once."""
        standing = self._write([steps.call(self._place(call))])[0]
        row = standing[0] if standing else None
        if row is None or (row["lease_token"], row["status"]) != (self._holding.token, status):
            raise LeaseLost(f"the outcome of {call.name} came too late: the lease is gone")
        if output_hash is not None and row["output_hash"] != output_hash:
            raise LeaseLost(f"the result of {call.name} came too late: the lease is gone")
        at: datetime = row["completed_at"]
        return at

    def _record(self, call: Call, status: str, problem: BaseException, started: float) -> None:
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
        if status == "FAILED" and call.action is not None:
            statements.append(steps.stands_no_longer(place))
        statements += self._permits.given_back(place, call.downstream)
        rows = self._write_for(call, statements, counts=bool(settled))[len(settled)]
        at = rows[0]["completed_at"] if rows else self._written_before(call, status)
        told = (
            problem.unsure if isinstance(problem, NeedsPerson) else str(problem)
        )  # what was seen is for people, not for logs
        used = {"tokens_in": spent.tokens_in, "tokens_out": spent.tokens_out} if spent else {}
        self._log(call, status, latency, at, error=told, **used)

    def _learned(self, call: Call, status: str, problem: Exception, started: float) -> None:
        """Record a call that went wrong, and tell what that says of its downstream."""
        self._record(call, status, problem, started)
        held = self._permits.failed(self._place(call), call.downstream, problem)
        if held is not None and status == "FAILED":  # parks the step, and spends no attempt
            raise held from problem

    def _not_done(self, call: Call, problem: NotDone, started: float) -> None:
        """FAILED: certainly without effect. But a repetition that was refused says nothing of the send before it."""
        found = self._recorded.get(call.seq)
        if found is None or found.status == "FAILED" or not call.has_effect:
            self._learned(call, "FAILED", problem, started)
            return
        self._learned(call, "UNKNOWN", problem, started)
        if not problem.retry:
            raise OutcomeUnknown(f"{call.name}: asked again, but {problem}", call_seq=call.seq) from problem

    def _unknown(self, call: Call, problem: Exception, started: float) -> StepError:
        """What an unexplained exception of a call means."""
        if not call.has_effect:
            self._learned(call, "FAILED", problem, started)
            if isinstance(problem, StepError):
                return problem
            return Transient(f"{call.name}: {type(problem).__name__}: {problem}")
        self._learned(call, "UNKNOWN", problem, started)
        return OutcomeUnknown(
            f"{call.name}: {type(problem).__name__}: {problem}",
            call_seq=call.seq,
            retry_in_seconds=None if isinstance(problem, Contradicted) else RETRY_UNKNOWN_SECONDS,
        )

    def _settle(self, call: Call, found: Checkpoint) -> Any:
        """An INTENT or UNKNOWN of a call with an effect: same key, or ask, or a person."""
        assert call.tool is not None and found.intent_at is not None
        begun, now, tool = time.monotonic(), self._now(), call.tool
        age, older = clock.age(found.intent_at, now, self.transact(last_step))
        if found.key_valid_until is not None and (found.key_valid_until - now).total_seconds() - older > call.seconds:
            return self._again(call, found, begun)
        self._doubt(call, found, "the attempt that began it did not live to tell")
        patience = tool.timeout_seconds + tool.settle_seconds
        if now < found.intent_at:
            self._write([steps.date_intent(self._place(call))])
        if tool.reconciles:
            value = asked.known(call, found.key or "")
            if value is not None:
                return self._complete(call, Answered(value), time.perf_counter())
            if age > patience:
                return self._again(call, found, time.monotonic())
            raise OutcomeUnknown(
                f"{call.name} is not known downstream yet", call_seq=call.seq, retry_in_seconds=patience - age + 0.1
            )
        raise OutcomeUnknown(f"{call.name} was begun and nobody can be asked whether it happened", call_seq=call.seq)

    def _doubt(self, call: Call, found: Checkpoint, why: str) -> None:
        """An INTENT that cannot simply be repeated is UNKNOWN from now on: only that can be judged by a person."""
        if found.status == "INTENT":
            self._record(call, "UNKNOWN", OutcomeUnknown(why, call_seq=call.seq), time.perf_counter())

    def _log(self, call: Call, status: str, latency: float, at: datetime, **more: Any) -> None:
        kind = {"tool": "tool_call", "model": "model_call", "local": "local_work", "wait": "signal_wait"}[call.kind]
        logs.event(
            kind,
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
