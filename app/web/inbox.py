"""The inbox: what waits for the person who is signed in, and what waits for others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import BadInput
from app.store import pages
from app.web.render import render
from app.web.session import Me, Rt

router = APIRouter()
_MINE, _OTHERS = 100, 50  # tasks on one page


@router.get("/")
def front(me: Me) -> Response:
    """Where the day begins."""
    return RedirectResponse("/inbox", status_code=303)


@router.get("/inbox")
def inbox(request: Request, rt: Rt, me: Me, after: str = "") -> Response:
    """Open tasks for this person's roles, oldest first, then those of others."""
    place = _place(after)
    with pages.snapshot(rt.database) as db:
        now = pages.now(db)
        mine = pages.inbox(db, me.roles, mine=True, limit=_MINE + 1, after=place)
        others = pages.inbox(db, me.roles, mine=False, limit=_OTHERS + 1)
    return render(
        request,
        "inbox.html",
        now=now,
        mine=mine[:_MINE],
        more=_mark(mine[_MINE - 1]) if len(mine) > _MINE else None,
        others=others[:_OTHERS],
        others_go_on=len(others) > _OTHERS,
    )


def _mark(task: pages.Row) -> str:
    return f"{task['created_at'].isoformat()}_{task['id']}"


def _place(after: str) -> tuple[datetime, UUID] | None:
    if not after:
        return None
    at, _, task_id = after.replace(" ", "+").partition("_")
    try:
        return datetime.fromisoformat(at), UUID(task_id)
    except ValueError:
        raise BadInput("after: follow the link at the end of the list; this is no place in it") from None
