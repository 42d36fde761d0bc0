"""What the ledger's refusal of an intent means for the run.

The law: an effect whose approval no longer stands goes back to a person, who may give another for exactly the same; what
was never approved, is not what was approved, or has been done already is nothing a person may wave through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.canonical import restore
from app.core.errors import ApprovalMissing, StepError, Unrecoverable
from app.core.statuses import ActionStatus
from app.engine.calls.call import Call
from app.store.database import DatabaseError
from app.store.ledger import actions
from app.store.ledger.actions import Standing

_BOUND = ("purpose", "payee", "currency")
_UNDONE = (ActionStatus.PROPOSED, ActionStatus.APPROVED, ActionStatus.EXECUTING, ActionStatus.UNKNOWN)


def refusal(call: Call, problem: DatabaseError, transact: Callable[[Any], Any], run_id: UUID) -> StepError | None:
    """What to raise for an intent the database refused; None if it was no matter of the ledger."""
    said = f"{call.name} was refused by the ledger of actions: {problem.diag.message_primary}"
    if problem.sqlstate == actions.DONE_ALREADY:
        return Unrecoverable(said)
    if problem.sqlstate != actions.NO_APPROVAL:
        return None
    action: Standing | None = transact(lambda db: actions.standing(db, call.action)) if call.action else None
    if action is None or not _same(action, restore(call.params)):
        return Unrecoverable(said)
    if action.run_id != run_id:  # a fork has the other run's data, and the action's id in it
        return Unrecoverable(
            f"{call.name} was allowed to the run {action.run_id} alone; to do it here a person must approve it here: "
            "fork that run from the step that asks them"
        )
    why = why_not(action)
    return ApprovalMissing(why, action=action) if why else Unrecoverable(said)


def _same(action: Standing, params: Mapping[str, Any]) -> bool:
    """Whether a call is what an action allows."""
    return (
        all(params.get(name) == getattr(action, name) for name in _BOUND)
        and all(params.get(name) == value for name, value in (action.content or {}).items())
        and Decimal(str(params.get("amount"))) == action.amount
    )


def why_not(action: Standing) -> str | None:
    """Why the approval of an action that was not done does not count, in words; None if another would not help."""
    if action.status not in _UNDONE:
        return None
    if action.approver is None or action.authority is None:
        return "nobody has approved it"
    who = f"the approval by {action.approver}"
    if action.revoked_at is not None:
        because = f": {action.revoked_because}" if action.revoked_because else ""
        return f"{who} was revoked on {action.revoked_at:%Y-%m-%d}{because}"
    if action.fallen is not None:
        return f"{who} does not count any more: {action.fallen}"
    if action.expired:
        return f"{who} ended on {action.expires_at:%Y-%m-%d}"
    if action.authority < action.needs:
        return f"{who} covers {action.authority} {action.currency} at the most"
    if action.approver == action.proposed_by:
        return f"{action.approver} proposed it, and nobody approves what they proposed"
    return f"{who}, as {action.role}, is not enough for it"
