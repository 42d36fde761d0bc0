"""The queue of open human tasks, as the inbox reads it.

The law: most urgent first, bounded, and continued by a key; a count stops counting where nobody reads on. So a look costs
the same with ten open tasks and with a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.store.database import Connection

Tab = Literal["mine", "roles", "overdue", "snoozed", "all"]
MOST_COUNTED = 1000
_DUE = "coalesce(t.due_at, 'infinity'::timestamptz)"
_WHICH: Mapping[Tab, str] = {
    "mine": "t.claimed_by = %(me)s",
    "roles": "t.role = ANY (%(roles)s::text[]) AND (t.snoozed_until IS NULL OR t.snoozed_until <= (SELECT app_now()))",
    "overdue": f"t.role = ANY (%(roles)s::text[]) AND {_DUE} <= (SELECT app_now())",
    "snoozed": "t.role = ANY (%(roles)s::text[]) AND t.snoozed_until > (SELECT app_now())",
    "all": "true",
}
_NARROWED = """t.status = 'OPEN' AND (%(role)s = '' OR t.role = %(role)s)
    AND (%(text)s = '' OR starts_with(r.subject, %(text)s))"""
_SHOWN = """t.id, t.run_id, t.kind, t.role, t.title, t.created_at, t.due_at, t.claimed_by, t.not_by, t.row_version, t.snoozed_until,
    t.snooze_reason, t.evidence_at, t.fingerprint, r.subject, r.workflow, coalesce(u.display_name, t.claimed_by) AS holder"""
# Of the runs that stopped of the same thing the first task stands for all, found by jumps along the index of those alike.
_HEADS = f"""heads AS (
    (SELECT fingerprint, id FROM human_tasks t WHERE status = 'OPEN' AND fingerprint IS NOT NULL
     ORDER BY fingerprint, {_DUE}, id LIMIT 1)
    UNION ALL
    SELECT next.fingerprint, next.id FROM heads CROSS JOIN LATERAL (
        SELECT fingerprint, id FROM human_tasks t WHERE status = 'OPEN' AND fingerprint > heads.fingerprint
        ORDER BY fingerprint, {_DUE}, id LIMIT 1) next
)"""
_ALIKE = """(SELECT count(*) FROM (SELECT 1 FROM human_tasks e WHERE e.status = 'OPEN' AND e.fingerprint = t.fingerprint
    LIMIT %(most)s) x)"""
_WANTED = (
    f"""{_NARROWED} AND {{which}} AND (%(due)s::text IS NULL OR ({_DUE}, t.id) > (%(due)s::timestamptz, %(id)s))"""
)
_JOINED = "JOIN runs r ON r.id = t.run_id LEFT JOIN users u ON u.username = t.claimed_by"
_MINE = f"""
SELECT {_SHOWN}, 1 AS alike FROM human_tasks t {_JOINED} WHERE {_WANTED} ORDER BY {_DUE}, t.id LIMIT %(limit)s"""
_PAGE = f"""
WITH RECURSIVE {_HEADS}, chosen AS (
    (SELECT t.id FROM human_tasks t JOIN runs r ON r.id = t.run_id WHERE t.fingerprint IS NULL AND {_WANTED}
     ORDER BY {_DUE}, t.id LIMIT %(limit)s)
    UNION ALL
    SELECT t.id FROM heads JOIN human_tasks t USING (id) JOIN runs r ON r.id = t.run_id WHERE {_WANTED}
) SELECT {_SHOWN}, greatest(1, {_ALIKE}) AS alike
FROM chosen JOIN human_tasks t USING (id) {_JOINED} ORDER BY {_DUE}, t.id LIMIT %(limit)s"""
_COUNT_MINE = (
    "(SELECT count(*) FROM (SELECT 1 FROM human_tasks t WHERE t.status = 'OPEN' AND {which} LIMIT %(most)s) x) AS {tab}"
)
_COUNT = """(SELECT count(*) FROM (SELECT 1 FROM human_tasks t WHERE t.status = 'OPEN' AND t.fingerprint IS NULL AND {which}
    LIMIT %(most)s) x) + (SELECT count(*) FROM heads JOIN human_tasks t USING (id) WHERE {which}) AS {tab}"""
_ALONE = frozenset({"mine"})  # whoever holds tasks sees each of them


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFilter:
    """Which open tasks, of whose view. `text`: the beginning of a subject. `after`: the due time, if it has one, and id of
    the last task of the page before."""

    me: str
    roles: Sequence[str]
    tab: Tab = "roles"
    role: str = ""
    text: str = ""
    after: tuple[datetime | None, UUID] | None = None


def page(db: Connection, wanted: TaskFilter, *, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` open tasks, the one that falls due first foremost; `holder` is the name of who has it.

    Of triage tasks of runs that stopped of the same thing only the first, with how many there are as `alike` (up to MOST_COUNTED).
    """
    due, task_id = wanted.after or (None, None)
    last_due = due.isoformat() if due else "infinity"
    params = {
        "me": wanted.me,
        "roles": list(wanted.roles),
        "role": wanted.role,
        "text": wanted.text,
        "due": last_due if wanted.after else None,
        "id": task_id,
        "limit": limit,
        "most": MOST_COUNTED,
    }
    query = _MINE if wanted.tab in _ALONE else _PAGE
    return db.execute(query.format(which=_WHICH[wanted.tab]), params).fetchall()


def counts(db: Connection, me: str, roles: Sequence[str]) -> dict[Tab, int]:
    """How many entries each view holds, those alike as one, counted up to MOST_COUNTED."""
    wanted = ", ".join(
        (_COUNT_MINE if tab in _ALONE else _COUNT).format(which=which, tab=tab) for tab, which in _WHICH.items()
    )
    row = db.execute(
        f"WITH RECURSIVE {_HEADS} SELECT {wanted}", {"me": me, "roles": list(roles), "most": MOST_COUNTED}
    ).fetchone()
    assert row is not None
    return {tab: row[tab] for tab in _WHICH}
