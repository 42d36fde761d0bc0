"""The ledger as people read it: each action of a run, who allowed it, and what the other side calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.store.database import Connection
from app.store.ledger import actions


def of_run(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """The actions of a run, the oldest first; `reference` is the other side's own id of it, if it gave one."""
    return [action | {"reference": _reference(action.pop("answer"))} for action in actions.of_run(db, run_id)]


def _reference(answer: Any) -> str | None:
    """The id in an answer ("payment_id": "P-1"), or who attested it."""
    if not isinstance(answer, Mapping):
        return None
    if by := answer.get("attested_by"):
        return f"attested by {by}"
    return next((str(value) for name, value in answer.items() if name == "id" or name.endswith("_id")), None)
