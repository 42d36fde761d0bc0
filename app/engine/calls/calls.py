"""Durable calls: what an earlier attempt recorded of a call decides what is done now.

The law. A COMPLETE checkpoint is returned and nothing is done. An unknown call with an effect is repeated only under its
own key while that is valid, else asked for, else given to a person; "not found" is believed only when the intent is older
than the call could still be under way. Another call at a recorded place is divergence.
"""

from __future__ import annotations

import time
from typing import Any

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.errors import Diverged, OutcomeUnknown
from app.core.ports import Answered
from app.core.statuses import CheckpointStatus
from app.engine import clock
from app.engine.calls import asked
from app.engine.calls.call import Call
from app.engine.calls.effects import Effects
from app.engine.calls.sending import CallSender
from app.engine.holdings import Holding
from app.engine.runtime import Runtime
from app.store.clock import last_step
from app.store.runs import intents, payloads
from app.store.runs.steps import Checkpoint


class Caller(CallSender):
    """Makes the calls of one step under one lease."""

    def __init__(self, rt: Runtime, holding: Holding, **of_step: Any) -> None:
        super().__init__(rt, holding, **of_step)
        self.effects = Effects(self._recorded)

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
        if found.status is CheckpointStatus.COMPLETE:
            return self._load(found.output)
        if found.status is CheckpointStatus.FAILED or not call.has_effect:
            return self._again(call, found, time.monotonic())
        return self._settle(call, found)

    def _same(self, found: Checkpoint, call: Call, text: str) -> None:
        if (found.name, found.input_hash) == (call.name, digest(text)):
            return
        what = f"call {call.seq} of {self._step_name} is {call.name}, but the journal holds {found.name}"
        if found.name == call.name:
            what = f"call {call.seq} of {self._step_name} ({call.name}) has another input than the journal holds"
        why = "the step's code changed under a running run, or it depends on something not journaled"
        raise Diverged(f"{what}; {why}", call_seq=call.seq, made={"call": call.name, "parameters": call.params})

    def _first(self, call: Call, text: str) -> Any:
        key, begun = ids.idempotency_key(self._run_id, self._step_seq, call.seq, 0), time.monotonic()
        statement = intents.intent(
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
            reserves=self._spending.reservation(call.reserve_tokens),
        )
        self._open(call, statement)
        return self._act(call, key, begun)

    def _again(self, call: Call, found: Checkpoint, begun: float) -> Any:
        """Act again under the same key: certainly without effect so far, or harmless to repeat from `begun` for a call's length."""
        reserves = self._spending.reservation(call.reserve_tokens)
        self._open(call, intents.reopen(self._place(call), action=call.action, reserves=reserves))
        return self._act(call, found.key or "", begun)

    def _redirected(self, call: Call, found: Checkpoint, text: str) -> Any:
        """A question that was never answered goes to the model that is named now; whom it was for is kept beside its errors."""
        said = f"asked of {found.input['provider']} and never answered; now asked of {call.params['provider']}"
        note = canonical({"error": said, "attempt": self._attempt, "at": self._now()})
        reserves = self._spending.reservation(call.reserve_tokens)
        redirected = intents.redirect(
            self._place(call), input_text=text, model=call.model, note=note, reserves=reserves
        )
        self._open(call, redirected)
        return self._act(call, found.key or "", time.monotonic())

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
            self._write([intents.date_intent(self._place(call))])
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
        if found.status is CheckpointStatus.INTENT:
            self._record(call, CheckpointStatus.UNKNOWN, OutcomeUnknown(why, call_seq=call.seq), time.perf_counter())
