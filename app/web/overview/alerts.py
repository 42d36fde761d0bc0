"""Open alerts."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.rights import Right, may
from app.store import clock
from app.store.reads import alert_list, pages
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()
_SHOWN = 500


@router.get("/alerts")
def alerts(request: Request, rt: Rt, me: Me) -> Response:
    """What needs attention now, newest first."""
    with pages.snapshot(rt.database) as db:
        now, found = clock.now(db), alert_list.still_open(db, limit=_SHOWN + 1)
    return render(
        request,
        "overview/alerts.html",
        now=now,
        alerts=found[:_SHOWN],
        go_on=len(found) > _SHOWN,
        shown=_SHOWN,
        inspects_refused=may(rt, me, Right.INSPECT),
    )
