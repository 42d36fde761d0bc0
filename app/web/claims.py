"""Taking a human task for oneself, and giving it back: so that two people do not work on the same one."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from app.core.errors import NotEntitled, Refused
from app.store import human_tasks
from app.web.posting import Posted
from app.web.session import Me, Rt
from app.web.sight import refusal, see

router = APIRouter()


@router.post("/tasks/{task_id:uuid}/claim")
def claim(posted: Posted, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Take the task for oneself, so that others leave it alone."""
    sight = see(rt, task_id)
    if why_not := refusal(sight.task, me):
        raise NotEntitled(why_not)
    with rt.database.transaction() as db:
        if holder := human_tasks.claim(db, task_id, me.username):
            raise Refused(f"{sight.names.get(holder, holder)} has this task already")
        human_tasks.add_event(db, task_id, sight.task["run_id"], "claimed", f"person:{me.username}")
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)


@router.post("/tasks/{task_id:uuid}/release")
def release(posted: Posted, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Give the task back to everybody of its role."""
    sight = see(rt, task_id)
    with rt.database.transaction() as db:
        if not human_tasks.release(db, task_id, me.username):
            raise Refused("you do not have this task; it was released, taken over or answered")
        human_tasks.add_event(db, task_id, sight.task["run_id"], "released", f"person:{me.username}")
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)
