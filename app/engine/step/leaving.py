"""With what a step is left, once its work was stopped by an exception.

The law: before a person is asked about the step's work, and before it is given up as diverged, it must be known whether
each of its calls had its effect. A call carried over from before a doubt is never made again, nor forgotten: where the
state's work no longer comes to it, a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.entered import carried
from app.core.errors import Diverged, NeedsPerson, OutcomeUnknown
from app.engine.calls.calls import Caller


def left_with(caller: Caller, received: Mapping[str, Any], problem: Exception) -> Exception:
    """What decides about the step, in place of `problem`. `received`: what its state was entered with. Raises LeaseLost."""
    if isinstance(problem, Diverged) and problem.call_seq <= carried(received):
        problem = _done_before(caller, problem)
    if isinstance(problem, Diverged | NeedsPerson) and caller.effects.open:
        first = caller.effects.first()
        problem = OutcomeUnknown(
            f"{first}; that must be known before this is decided: {problem}",
            call_seq=first.call_seq,
            retry_in_seconds=first.retry_in_seconds,
        )
    if isinstance(problem, OutcomeUnknown) and not caller.effects.was_told(problem.call_seq):
        caller.give_up(problem)
    return problem


def _done_before(caller: Caller, problem: Diverged) -> NeedsPerson:
    row = caller.first_recorded(behind=problem.call_seq - 1)
    return NeedsPerson(
        f"{row.name} was called before the step was entered anew, under the key {row.key}; it is not called a second time.",
        f"with the data as they are now, {problem}. Answer 'again' with data that lead to the same call, choose where the run "
        "goes on, or cancel it",
        evidence={"call": row.name, "key": row.key, "parameters": row.input, "instead": problem.made},
    )
