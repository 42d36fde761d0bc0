"""What stands open: alerts, dead letters, messages that were refused."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.rights import Right, require
from app.store.reads import alert_list, api_lists, pages
from app.store.records import refused
from app.web.api import shapes
from app.web.api.answers import listed, shaped
from app.web.api.caller import Reader
from app.web.api.examples import answers
from app.web.api.listing import DEFAULT, Cursor, Limit, RunCursor
from app.web.api.routing import Route
from app.web.http.cursors import place
from app.web.http.session import Rt

router = APIRouter(route_class=Route, tags=["What stands open"])


@router.get("/alerts", responses=answers(shapes.Alerts))
def alerts(request: Request, rt: Rt, caller: Reader, limit: Limit = DEFAULT, cursor: Cursor = "") -> Response:
    """Open alerts, newest first; those of runs that stopped alike are one. One closes by itself when its cause has gone."""
    at = place(cursor, datetime, UUID)
    with pages.snapshot(rt.database) as db:
        found = alert_list.still_open(db, behind=(at[0], at[1]) if at else None, limit=limit + 1)
    return listed(request, [shaped(shapes.Alert, a) for a in found], [(a.opened_at, a.id) for a in found], limit)


@router.get("/dead-letters", responses=answers(shapes.DeadLetters))
def dead_letters(request: Request, rt: Rt, caller: Reader, limit: Limit = DEFAULT, cursor: Cursor = "") -> Response:
    """Runs nobody can continue without a person, oldest first; those of one `fingerprint` failed alike."""
    at = place(cursor, datetime, UUID)
    with pages.snapshot(rt.database) as db:
        found = api_lists.dead_letters(db, behind=(at[0], at[1]) if at else None, limit=limit + 1)
    places = [(letter.created_at, letter.id) for letter in found]
    return listed(request, [shaped(shapes.DeadLetter, letter) for letter in found], places, limit)


@router.get("/refused-messages", responses=answers(shapes.RefusedKinds))
def refused_messages(
    request: Request, rt: Rt, caller: Reader, limit: Limit = DEFAULT, cursor: RunCursor = ""
) -> Response:
    """Messages that were refused, a row for each kind, the newest kind first. For operators, auditors and administrators."""
    require(rt, caller.person, Right.INSPECT)
    at = place(cursor, UUID)
    with pages.snapshot(rt.database) as db:
        found = refused.kinds(db, behind=at[0] if at else None, limit=limit + 1)
    return listed(request, [shaped(shapes.RefusedMessages, r) for r in found], [(r.id,) for r in found], limit)
