"""The inbox: the queue of open human tasks as one person sees it, and the same rows alone for a page that stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.people import Person
from app.core.errors import BadInput
from app.engine.runtime import Runtime
from app.store import clock
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter, TaskLine
from app.store.reads import pages
from app.web.http import cursors
from app.web.http.fragments import fragment
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()
_SHOWN = 50  # tasks on one page
Tab = Literal["roles", "mine", "overdue", "snoozed", "all"]
TABS: Final[Mapping[Tab, str]] = {
    "roles": "For my roles",
    "mine": "Claimed by me",
    "overdue": "Overdue",
    "snoozed": "Snoozed",
    "all": "All open",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which view, and what it is narrowed to. `text`: the beginning of a subject."""

    tab: Tab
    role: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What the address asks for, and what it found. `more`: the address of the next page."""

    now: datetime
    wanted: Wanted
    tasks: Sequence[TaskLine]
    counts: Mapping[str, int]
    more: str

    def at(self, path: str = "/inbox", **changes: str) -> str:
        """The address of this view with something changed; from its first page."""
        asked = {"tab": self.wanted.tab, "role": self.wanted.role, "text": self.wanted.text} | changes
        usual = {"tab": "roles"}
        query = urlencode({name: value for name, value in asked.items() if value and value != usual.get(name)})
        return f"{path}?{query}" if query else path


@router.get("/inbox")
def inbox(request: Request, rt: Rt, me: Me, tab: str = "", role: str = "", text: str = "", after: str = "") -> Response:
    """Open tasks of one view, the most urgent first."""
    view = look(rt, me, tab, role, text, after)
    return render(
        request,
        "human_tasks/inbox.html",
        view=view,
        now=view.now,
        tabs=TABS,
        all_roles=rt.roles.names,
        most=task_list.MOST_COUNTED,
        poll=view.at("/inbox/rows", after=after),
    )


@router.get("/inbox/rows")
def inbox_rows(
    request: Request, rt: Rt, me: Me, tab: str = "", role: str = "", text: str = "", after: str = ""
) -> Response:
    """The same tasks without the page around them, if anything about them has changed."""
    view = look(rt, me, tab, role, text, after)
    seen = [
        *((task.id, task.row_version, task.alike) for task in view.tasks),
        *view.counts.values(),
        view.now.strftime("%H:%M"),
    ]
    return fragment(
        request, "human_tasks/inbox_rows.html", of=seen, view=view, now=view.now, tabs=TABS, most=task_list.MOST_COUNTED
    )


def look(rt: Runtime, me: Person, tab: str, role: str, text: str, after: str) -> View:
    """The tasks an address asks for. Raises BadInput for a view that does not exist, or no place in the list."""
    known = next((t for t in get_args(Tab) if t == (tab or "roles")), None)
    if known is None:
        raise BadInput(f"tab: there is no view {tab[:40]!r}; choose one of {', '.join(TABS)}")
    wanted, behind = Wanted(tab=known, role=role[:40], text=text.strip()[:200]), _place(after)
    narrowed = _filter(known, me, role=wanted.role, text=wanted.text)
    with pages.snapshot(rt.database) as db:
        now = clock.now(db)
        tasks = task_list.page(db, narrowed, order="due", behind=behind, limit=_SHOWN + 1)
        counts = task_list.counts(db, {one: _filter(one, me) for one in TABS})
    view = View(now=now, wanted=wanted, tasks=tasks[:_SHOWN], counts=counts, more="")
    return replace(view, more=view.at(after=_mark(tasks[_SHOWN - 1]))) if len(tasks) > _SHOWN else view


def _filter(tab: Tab, me: Person, *, role: str = "", text: str = "") -> TaskFilter:
    """What a view lists. Whoever holds tasks sees each of them, even where they are alike."""
    if tab == "mine":
        return TaskFilter(holder=me.username, roles=(role,) if role else None, text=text)
    if tab == "all":
        return TaskFilter(roles=(role,) if role else None, text=text, as_one=True)
    mine = tuple(one for one in me.roles if not role or one == role)
    snoozed = {"roles": False, "overdue": None, "snoozed": True}[tab]
    return TaskFilter(roles=mine, overdue=tab == "overdue", snoozed=snoozed, text=text, as_one=True)


def _mark(task: TaskLine) -> str:
    return cursors.written((task.due_at, task.id))


def _place(after: str) -> tuple[datetime | None, UUID] | None:
    place = cursors.place(after, cursors.MOMENT_OR_NEVER, UUID, name="after")
    return (place[0], place[1]) if place else None
