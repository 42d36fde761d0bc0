"""The error tree. The class says who must act; the message says what is wrong and what to do.

LonghaulError
├── BadInput              the caller must change the request (HTTP 400, exit code 2)
│   ├── InvalidDefinition    a workflow definition cannot work; refused at import
│   └── NotCanonical         a value cannot be written as strict JSON
├── Refused               the request is well-formed but not now, or not by you (HTTP 409)
│   ├── IllegalTransition    the lifecycle table has no such move
│   ├── AlreadyAnswered      somebody else completed the human task first
│   ├── Stale                the task changed since it was looked at
│   ├── NotEntitled          this person may not do this
│   └── KeyReused            the same idempotency key came with another body
├── NotFound              no such run, task, document or workflow (HTTP 404)
├── LeaseLost             the step belongs to somebody else now: write nothing, log once
│   └── CancelAccepted       an irreversible call came too late: the run's cancel was accepted before it
├── Suspended             no error: a step waits for a signal in the middle of its work
├── StoreUnavailable      the database did not answer before the step's deadline
└── StepError             what a step or a tool says about its own work
    ├── Transient            may succeed if tried again: the retry policy decides
    │   └── SchemaFailure    a model's output does not fit its schema
    ├── NotDone              a tool is certain that nothing happened
    │   └── Throttled        the downstream asked for patience
    ├── NeedsPerson          the work was done but cannot be trusted: a person decides
    ├── BudgetReached        a model call that the run's budget has no room for: a person decides
    ├── ApprovalMissing      what was allowed is not allowed any more: a person decides
    ├── OutcomeUnknown       a call may or may not have had its effect
    └── Unrecoverable        trying again cannot help
        └── Diverged         the step no longer makes the calls its journal holds
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError


class LonghaulError(Exception):
    """Anything Longhaul raises on purpose."""


class BadInput(LonghaulError):
    """The request cannot be served as it is; the message names the field and the remedy."""


class InvalidDefinition(BadInput):
    """A workflow definition that cannot work: an outcome that leads nowhere, a state nobody reaches."""


class NotCanonical(BadInput):
    """A value that strict JSON cannot hold: not a number, too deep, or of an unknown type."""


class Refused(LonghaulError):
    """Well-formed, but not possible now or not for this person."""


class IllegalTransition(Refused):
    """The lifecycle table has no such move from where the run stands."""


class AlreadyAnswered(Refused):
    """The human task was completed by somebody else; the message says who and when."""


class Stale(Refused):
    """What is answered is not what was looked at: the human task changed meanwhile."""


class NotEntitled(Refused):
    """This person lacks the role or the authority, or had a hand in what they would approve."""


class KeyReused(Refused):
    """An idempotency key came again with another body."""


class NotFound(LonghaulError):
    """There is no such thing; the message says what was looked for."""


class LeaseLost(LonghaulError):
    """The step belongs to somebody else now. Write nothing, send nothing, log it once."""


class CancelAccepted(LeaseLost):
    """The run's cancel was accepted before this irreversible call: nothing was begun, and the run goes no further."""


class Suspended(LonghaulError):
    """Let out of a step's work to wait for a signal; the step goes on at the same place when it comes, or time is up."""

    def __init__(self, signal: str, *, reason: str, expires_seconds: float | None = None) -> None:
        super().__init__(f"suspended until {signal}")
        self.signal, self.reason, self.expires_seconds = signal, reason, expires_seconds


class StoreUnavailable(LonghaulError):
    """The database did not acknowledge in time; what was asked may or may not be written."""


class StepError(LonghaulError):
    """What a step or a tool says about its own work.

    `spent`: what a failed model call gave and used all the same, with `tokens_in`, `tokens_out` and `cost`; None if nobody knows.
    """

    spent: Any = None


class Transient(StepError):
    """May succeed if tried again."""


class SchemaFailure(Transient):
    """A model's output does not fit its schema."""


class NotDone(StepError):
    """Raised by a tool that is certain nothing happened: connection refused, a documented 4xx.

    `retry=False` says that the same request would be refused again.
    """

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


class Throttled(NotDone):
    """The downstream asked for patience: 429, or 503 with Retry-After (seconds)."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NeedsPerson(StepError):
    """A semantic failure: `saw` and `unsure` become the written note of the human task."""

    def __init__(self, saw: str, unsure: str, *, evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{saw} Unsure because: {unsure}")
        self.saw = saw
        self.unsure = unsure
        self.evidence = dict(evidence or {})


class BudgetReached(StepError):
    """A model call may use more tokens than the run has left; `bill` says in words what it used so far.

    `needed`: how many tokens more the run must be allowed for this call alone.
    """

    def __init__(self, message: str, *, bill: str, needed: int) -> None:
        super().__init__(message)
        self.bill, self.needed = bill, needed


class ApprovalMissing(StepError):
    """An irreversible call whose approval does not count (any more); `action` is how the ledger has it."""

    def __init__(self, message: str, *, action: Any) -> None:
        super().__init__(message)
        self.action = action


class OutcomeUnknown(StepError):
    """A call may or may not have had its effect and can be neither repeated nor asked for now.

    `retry_in_seconds` is set while it is only too early to believe "not found".
    """

    def __init__(self, message: str, *, call_seq: int, retry_in_seconds: float | None = None) -> None:
        super().__init__(message)
        self.call_seq = call_seq
        self.retry_in_seconds = retry_in_seconds


class Contradicted(StepError):
    """The other side acted, and says that it did something else than was sent: whatever it was, a person must find out."""


class Unrecoverable(StepError):
    """Trying again cannot help: the run goes to DEAD_LETTER."""


class Diverged(Unrecoverable):
    """The step made another call than its journal holds at the place `call_seq`, or none; `made` says which it was to be."""

    def __init__(self, message: str, *, call_seq: int = 0, made: Any = None) -> None:
        super().__init__(message)
        self.call_seq, self.made = call_seq, made


def misfits(problem: ValidationError, *, what: str) -> str:
    """One line that names each field that does not fit (five at most), and what is wrong with it."""
    wrong = problem.errors()
    named = "; ".join(f"{'.'.join(map(str, error['loc'])) or what}: {error['msg']}" for error in wrong[:5])
    return named + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
