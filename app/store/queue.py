"""The queue of open human tasks, as the inbox reads it.

The law: most urgent first, bounded, and continued by a key; a count stops counting where nobody reads on. So a look costs
the same with ten open tasks and with a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from app.store.database import Connection

Tab = Literal["mine", "roles", "overdue", "aside", "all"]
MOST_COUNTED = 1000
_DUE = "coalesce(t.due_at, 'infinity'::timestamptz)"
_WHICH: Mapping[Tab, str] = {
    "mine": "t.claimed_by = %(me)s",
    "roles": "t.role = ANY (%(roles)s::text[]) AND (t.follow_up_at IS NULL OR t.follow_up_at <= (SELECT app_now()))",
    "overdue": f"t.role = ANY (%(roles)s::text[]) AND {_DUE} <= (SELECT app_now())",
    "aside": "t.role = ANY (%(roles)s::text[]) AND t.follow_up_at > (SELECT app_now())",
    "all": "true",
}
_NARROWED = """t.status = 'OPEN' AND (%(role)s = '' OR t.role = %(role)s)
    AND (%(text)s = '' OR starts_with(r.subject, %(text)s))"""
_SHOWN = """t.id, t.run_id, t.kind, t.role, t.title, t.created_at, t.due_at, t.claimed_by, t.not_by, t.row_version, t.follow_up_at,
    t.parked_reason, t.evidence_at, r.subject, r.workflow, coalesce(u.display_name, t.claimed_by) AS holder"""
_PAGE = f"""
SELECT {_SHOWN} FROM human_tasks t JOIN runs r ON r.id = t.run_id LEFT JOIN users u ON u.username = t.claimed_by
WHERE {_NARROWED} AND {{which}} AND (%(due)s::text IS NULL OR ({_DUE}, t.id) > (%(due)s::timestamptz, %(id)s))
ORDER BY {_DUE}, t.id LIMIT %(limit)s"""
_COUNT = (
    "(SELECT count(*) FROM (SELECT 1 FROM human_tasks t WHERE t.status = 'OPEN' AND {which} LIMIT %(most)s) x) AS {tab}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which open tasks, of whose view. `text`: the beginning of a subject. `after`: the due time (or "infinity") and id of
    the last task of the page before."""

    me: str
    roles: Sequence[str]
    tab: Tab = "roles"
    role: str = ""
    text: str = ""
    after: tuple[str, UUID] | None = None


def page(db: Connection, wanted: Wanted, *, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` open tasks, the one that falls due first foremost; `holder` is the name of who has it."""
    due, task_id = wanted.after or (None, None)
    params = {
        "me": wanted.me, "roles": list(wanted.roles), "role": wanted.role, "text": wanted.text, "due": due, "id": task_id,
        "limit": limit,
    }  # fmt: skip
    return db.execute(_PAGE.format(which=_WHICH[wanted.tab]), params).fetchall()


def counts(db: Connection, me: str, roles: Sequence[str]) -> dict[Tab, int]:
    """How many open tasks each view holds, counted up to MOST_COUNTED."""
    wanted = ", ".join(_COUNT.format(which=which, tab=tab) for tab, which in _WHICH.items())
    row = db.execute(f"SELECT {wanted}", {"me": me, "roles": list(roles), "most": MOST_COUNTED}).fetchone()
    assert row is not None
    return {tab: row[tab] for tab in _WHICH}
