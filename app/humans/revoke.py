"""Taking an approval back. The law: only while its action has not begun, only by who gave it or whoever may take tasks over, with a reason
that stays in the history of the task by which it was given.
"""

from __future__ import annotations

from uuid import UUID

from app.accounts import people
from app.accounts.rights import Right, require
from app.core.canonical import canonical
from app.core.errors import BadInput, NotFound, Refused
from app.core.statuses import ActionStatus
from app.engine.runtime import Runtime
from app.humans.desk import LONGEST_TEXT
from app.store.database import Connection
from app.store.human_tasks import human_tasks
from app.store.ledger import actions

_NOT_BEGUN = (ActionStatus.PROPOSED, ActionStatus.APPROVED)


def revoke(rt: Runtime, approval_id: UUID, *, by: str, reason: str) -> UUID:
    """Take an approval back; its action. Again changes nothing. Raises NotFound, NotEntitled, or Refused once the action began."""
    why = reason.strip()
    if not 1 <= len(why) <= LONGEST_TEXT:
        raise BadInput(f"reason: write 1 to {LONGEST_TEXT:,} characters")

    def work(db: Connection) -> UUID:
        given = actions.approval(db, approval_id)
        if given is None:
            raise NotFound(f"there is no approval {approval_id}")
        me = people.find(db, by)
        if given.approver != by:
            require(rt, me, Right.TAKE_OVER)
        if actions.revoke(db, approval_id):
            status = (actions.approval(db, approval_id) or given).status  # as the update found it, behind its lock
            if status not in _NOT_BEGUN:
                raise Refused(f"too late: the action is {status}; an approval is taken back before its action begins")
            human_tasks.add_event(
                db,
                given.task_id,
                given.run_id,
                "approval revoked",
                f"person:{by}",
                canonical({"approval": approval_id, "reason": why}),
            )
        return given.action_id

    return rt.database.transact(work)
