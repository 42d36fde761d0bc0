"""What a step function is handed: `step`. A protocol, so that a workflow knows nothing of who runs it.

The law: every attempt of a step sees the same values here (`attempt` and `answered_by` apart), and makes the same calls
in the same order. A call that is recorded is not made again: its recorded result is given.

What the calls raise is a `StepError` of `app.core.errors`; a step lets it pass unless it knows what to do instead, and the
engine does what the error's class says: tries again, waits, or asks a person. `LeaseLost` and `Suspended` are never caught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.core.declarations.prompts import Output, Prompt
from app.core.declarations.tools import Tool


class Asks(Protocol):
    """What can ask a model: a step, or outside any run `app.agents.alone`."""

    @property
    def answered_by(self) -> str:
        """The model that gave the last answer to `ask`, or the name of the rules."""
        ...

    def ask(
        self,
        prompt: Prompt[Output],
        request: Mapping[str, Any],
        *,
        fixed: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Output:
        """A model's answer, valid by the prompt's schema and check; durable like a call.

        fixed: by tool name, the parameters of the prompt's tools that the step sets and the model may not choose.
        Raises NeedsPerson if the answers cannot be believed, SchemaFailure if they fit no schema, Throttled or Transient if the
        model cannot be reached, BudgetReached, and Diverged.
        """
        ...


class StepContext(Asks, Protocol):
    """The `step` of a step function, and of the functions that say what a person is asked and which children are started."""

    @property
    def run_id(self) -> UUID:
        """The run this is a step of."""
        ...

    @property
    def subject(self) -> str:
        """The run's business key, such as the claim's number."""
        ...

    @property
    def state(self) -> str:
        """The state whose work this is."""
        ...

    @property
    def attempt(self) -> int:
        """1 for the first try. Nothing that is called or kept may depend on it."""
        ...

    @property
    def now(self) -> datetime:
        """When the state was entered, in database time: a step has no other clock.

        Where calls were copied (a fork, a doubt answered "again"), when it was entered in the step they are of.
        """
        ...

    @property
    def cause(self) -> Mapping[str, Any]:
        """What led here: `event`, and what belongs to it, such as the `outcome` of the step before."""
        ...

    @property
    def answer(self) -> Mapping[str, Any]:
        """What a person answered, if that led here: `outcome`, `values` of the form, `by` whom, the `actions` it approved. Else empty."""
        ...

    @property
    def again(self) -> Mapping[str, Any]:
        """What a person answered to the doubt over which the state was entered anew; else empty.

        Cause, answer and signals stay those the state was first entered with.
        """
        ...

    @property
    def signals(self) -> Sequence[Mapping[str, Any]]:
        """The signals that the wait before consumed, in order: `id`, `name`, `payload`, `actor`, `at`."""
        ...

    @property
    def children(self) -> Sequence[Mapping[str, Any]]:
        """The ended children this step was waiting for, by subject: `id`, `subject`, `state`, `status`, `data`."""
        ...

    def call(self, tool: Tool, *, action: str | UUID | None = None, **params: Any) -> Any:
        """The result of a tool, called once and durably. `action` is the approved action's id, for an irreversible one.

        Raises NotDone if nothing happened, OutcomeUnknown if nobody knows whether it did, ApprovalMissing if what was
        approved no longer is, Diverged if the journal holds another call here, and Unrecoverable if the tool cannot be called.
        """
        ...

    def call_all(self, calls: Sequence[tuple[Tool, Mapping[str, Any]]]) -> list[Any]:
        """The results of several tools called at the same time, in the order given. Raises what `call` raises."""
        ...

    def keep(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of local work that is costly or not repeatable, done once. Raises what the work raises, and Diverged."""
        ...

    def log(self, message: str, **fields: Any) -> None:
        """Write one log line with the run's id and its state beside it."""
        ...
