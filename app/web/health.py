"""`/healthz`: green while the database answers and every sweep has begun within twice its period.

Asked on a connection and a thread of its own, so that neither a full pool nor slow pages make a live server look dead.
"""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from app.engine.runtime import Runtime
from app.store import due
from app.store.database import connect
from app.store.pages import DATABASE_PROBLEM
from app.sweeps import periods
from app.web.session import runtime_of

router = APIRouter()
_AT_ONCE = 2


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """200 {"status": "ok"} or 503 {"status": "red"}, with the reasons."""
    limiter = request.app.state.__dict__.setdefault("health_limiter", CapacityLimiter(_AT_ONCE))
    found = await to_thread.run_sync(health, runtime_of(request), limiter=limiter)
    return JSONResponse(found, status_code=200 if found["status"] == "ok" else 503)


def health(rt: Runtime) -> dict[str, Any]:
    """What stands well and what does not."""
    try:
        with connect(rt.database.url, "web") as db:
            overdue = sorted(due.overdue_sweeps(db, periods(rt.settings)))
    except DATABASE_PROBLEM:
        return {"status": "red", "database": "does not answer", "overdue_sweeps": []}
    return {"status": "red" if overdue else "ok", "database": "ok", "overdue_sweeps": overdue}
