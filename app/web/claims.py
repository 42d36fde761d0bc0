"""Taking a human task for oneself, and giving it back: so that two people do not work on the same one."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from app.humans import desk
from app.web.posting import Posted
from app.web.session import Me, Rt

router = APIRouter()


@router.post("/tasks/{task_id:uuid}/claim")
def claim(posted: Posted, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Take the task for oneself, so that others leave it alone."""
    desk.claim(rt, task_id, by=me.username)
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)


@router.post("/tasks/{task_id:uuid}/release")
def release(posted: Posted, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Give the task back to everybody of its role."""
    desk.release(rt, task_id, by=me.username)
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)
