"""A human task that no database holds, for what only reads one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.core.ids import new_id
from app.store.human_tasks.rows import HumanTask
from app.store.tables.human_tasks import human_tasks

_SAID: dict[str, Any] = {
    "id": new_id(),
    "run_id": new_id(),
    "step_seq": 1,
    "state": "ASKING",
    "kind": "work",
    "created_at": datetime(2026, 3, 1, tzinfo=UTC),
    "title": "How much?",
    "note": "",
    "form": {},
    "defaults": {},
    "evidence": [],
    "proposals": [],
    "approves": {},
    "outcomes": ["go on"],
    "shown_digest": "",
    "role": "adjuster",
    "not_by": [],
    "status": "OPEN",
    "row_version": 1,
}


def a_task(**columns: Any) -> HumanTask:
    """An open task, with these columns instead of its own."""
    return HumanTask.from_row(dict.fromkeys(human_tasks.columns.keys()) | _SAID | columns)
