"""The words of the rows beside a run's own: checkpoints, human tasks, actions. A run's own statuses: `app.core.lifecycle`.

The law: each word is one that the database's own check allows in its column, and Python has no second spelling of it. Texts
of SQL keep theirs as literals, because a plan may rest on them. A member is its text: it is equal to it, and JSON shows no other.
"""

from __future__ import annotations

from enum import StrEnum


class CheckpointKind(StrEnum):
    """What a row of the journal is of: the run's start, a step itself, or one of a step's calls."""

    START = "start"
    STEP = "step"
    TOOL = "tool"
    MODEL = "model"
    LOCAL = "local"
    WAIT = "wait"


class CheckpointStatus(StrEnum):
    """How far a step or a call is: about to be made, done, certainly not done, or nobody knows."""

    INTENT = "INTENT"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


BEGUN = (CheckpointStatus.INTENT, CheckpointStatus.UNKNOWN)
"""Of a call: begun, and nobody has said yet what became of it."""


class TaskKind(StrEnum):
    """Why a person is asked: a state of the workflow, a doubt, an unknown outcome, a stop, the budget, an approval."""

    WORK = "work"
    DOUBT = "doubt"
    UNKNOWN = "unknown"
    TRIAGE = "triage"
    BUDGET = "budget"
    APPROVAL = "approval"


class TaskStatus(StrEnum):
    """Where a human task stands. Whether somebody has taken an open one is another column."""

    OPEN = "OPEN"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class ActionStatus(StrEnum):
    """Where an irreversible effect stands in the ledger, from its proposal to the other side's word about it."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    EXECUTING = "EXECUTING"
    UNKNOWN = "UNKNOWN"
    EXECUTED = "EXECUTED"
    CONFIRMED = "CONFIRMED"
    DISPUTED = "DISPUTED"
    VOID = "VOID"
