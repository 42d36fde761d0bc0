"""Sending one call whose intent is committed, and what it means when no answer came of it.

The law: every exception of a call is UNKNOWN unless the tool says NotDone. Nothing is sent on an intent so old that
others may believe by now that it never happened: it is written anew, under the lease, before.
"""

from __future__ import annotations

import time
from typing import Any

from app.core.errors import Contradicted, LeaseLost, NotDone, OutcomeUnknown, StepError, Suspended, Transient
from app.core.statuses import CheckpointStatus
from app.engine.calls.call import Call
from app.engine.calls.call_journal import CallJournal
from app.engine.calls.effects import RETRY_UNKNOWN_SECONDS
from app.store.runs import intents


class CallSender(CallJournal):
    """Sends the calls of a step, each on an intent of its own."""

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

    def _anew(self, call: Call) -> float:
        """Nothing was sent on an intent while it was young enough: it is written once more; when that began.

        What an earlier attempt may have sent is judged by the rules from the start instead: its key may be void by now.
        """
        found = self._recorded.get(call.seq)
        if call.has_effect and found is not None and found.status is not CheckpointStatus.FAILED:
            raise OutcomeUnknown(
                f"{call.name} was not repeated in time", call_seq=call.seq, retry_in_seconds=RETRY_UNKNOWN_SECONDS
            )
        begun = time.monotonic()
        self._open(call, intents.reopen(self._place(call), action=call.action, come_from=(CheckpointStatus.INTENT,)))
        return begun

    def _not_done(self, call: Call, problem: NotDone, started: float) -> None:
        """FAILED: certainly without effect. But a repetition that was refused says nothing of the send before it."""
        found = self._recorded.get(call.seq)
        if found is None or found.status is CheckpointStatus.FAILED or not call.has_effect:
            self._learned(call, CheckpointStatus.FAILED, problem, started)
            return
        self._learned(call, CheckpointStatus.UNKNOWN, problem, started)
        if not problem.retry:
            raise OutcomeUnknown(f"{call.name}: asked again, but {problem}", call_seq=call.seq) from problem

    def _unknown(self, call: Call, problem: Exception, started: float) -> StepError:
        """What an unexplained exception of a call means."""
        if not call.has_effect:
            self._learned(call, CheckpointStatus.FAILED, problem, started)
            if isinstance(problem, StepError):
                return problem
            return Transient(f"{call.name}: {type(problem).__name__}: {problem}")
        self._learned(call, CheckpointStatus.UNKNOWN, problem, started)
        return OutcomeUnknown(
            f"{call.name}: {type(problem).__name__}: {problem}",
            call_seq=call.seq,
            retry_in_seconds=None if isinstance(problem, Contradicted) else RETRY_UNKNOWN_SECONDS,
        )
