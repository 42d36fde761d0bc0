"""The public surface: the words a workflow is written in. Re-exports and no logic; imports `app.core` only.

    from longhaul import Human, Step, Tool, Wait, Workflow

`longhaul.client` starts runs inside a database transaction of yours, `longhaul.sender` over the broker;
`longhaul.plugin` has what a company adds to the product, and `longhaul.testing` tests a workflow in memory.
Everything else is ours to change without a word.
"""

from __future__ import annotations

from app.core.declarations.prompts import Awaits, Prompt
from app.core.declarations.summary import RunSummary
from app.core.declarations.tools import Tool
from app.core.errors import NeedsPerson, NotDone, Throttled, Transient, Unrecoverable
from app.core.lifecycle import Status
from app.core.retry import ONCE, PATIENT, TRANSIENT, RetryPolicy
from app.core.step import StepContext
from app.core.workflow import Children, ChildRun, Human, Proposal, Request, Step, Timer, Wait, Workflow

__all__ = [
    "ONCE",
    "PATIENT",
    "TRANSIENT",
    "Awaits",
    "ChildRun",
    "Children",
    "Human",
    "NeedsPerson",
    "NotDone",
    "Prompt",
    "Proposal",
    "Request",
    "RetryPolicy",
    "RunSummary",
    "Status",
    "Step",
    "StepContext",
    "Throttled",
    "Timer",
    "Tool",
    "Transient",
    "Unrecoverable",
    "Wait",
    "Workflow",
]
