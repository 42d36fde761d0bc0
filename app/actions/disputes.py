"""Closing a dispute: what a person found about an executed action that its service knows otherwise than we do.

The law: closing one sends nothing and frees nothing. The action stays DISPUTED, keeps standing for its effect, and only
stops being asked about; the ledger in the database says who may.
"""

from __future__ import annotations

from uuid import UUID

from app.core.canonical import canonical
from app.core.errors import NotFound, Refused
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.ledger import actions
from app.store.runs import signals


def close(rt: Runtime, action_id: UUID, *, by: str, reason: str) -> UUID:
    """Close a dispute with what was found; the run it belongs to. Its alert is resolved by the next alerts sweep.

    Raises NotFound, NotEntitled (somebody who may sign off, with authority for it, who neither proposed nor approved it, may),
    BadInput (no reason) or Refused (it is not disputed, or closed already).
    """

    def work(db: Connection) -> UUID:
        action = actions.standing(db, action_id)
        if action is None:
            raise NotFound(f"there is no action {action_id}; `longhaul show RUN` lists a run's actions")
        if not actions.close_dispute(db, action_id, person=by, reason=reason):
            closed = action.dispute_closed_by
            raise Refused(
                f"{closed} closed this dispute before" if closed else f"the action is {action.status}, not disputed"
            )
        note = {"action": action_id, "purpose": action.purpose, "reason": reason.strip()}
        signals.note(db, action.run_id, "dispute closed", canonical(note), f"person:{by}")
        return action.run_id

    return rt.database.transact(work)
