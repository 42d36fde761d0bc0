"""Actions: asks the other side about what was executed and what was left in doubt, and voids what ended runs no longer need.

Every minute.
"""

from __future__ import annotations

from app.actions import reconcile
from app.engine.runtime import Runtime
from app.store.ledger import actions


def run_once(rt: Runtime) -> dict[str, int]:
    """How many actions were confirmed, disputed, not to be asked about now, settled, and voided."""
    asked = reconcile.confirm_executed(rt) | reconcile.settle_doubts(rt)
    return asked | {"voided": rt.database.transact(actions.void_of_ended)}
