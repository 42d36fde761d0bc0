"""Working at a task before it is completed, by forms of its page: claim, release, take over, delegate, snooze, comment, draft.

What is allowed `app.humans.desk` decides; whoever is refused gets the page as it stands now, with their text in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.core.errors import BadInput, NotEntitled, Refused, Stale
from app.core.values.durations import seconds
from app.engine.runtime import Runtime
from app.humans import desk
from app.store import clock
from app.store.human_tasks import handling as store
from app.store.reads import pages
from app.web.http.form_fields import answers_of
from app.web.http.posting import Posted
from app.web.http.session import Me, Rt
from app.web.human_tasks.task_page import SNOOZES, refused

router = APIRouter()


@router.post("/tasks/{task_id:uuid}/claim")
def claim(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Claim the task, so that others leave it alone."""
    return _done(request, rt, me, task_id, posted, lambda: desk.claim(rt, task_id, by=me.username))


@router.post("/tasks/{task_id:uuid}/release")
def release(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Release the task to everybody of its role."""
    return _done(request, rt, me, task_id, posted, lambda: desk.release(rt, task_id, by=me.username))


@router.post("/tasks/{task_id:uuid}/take-over")
def take_over(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Take the task over from whoever claimed it, with a reason."""
    why = posted.get("reason", "")
    return _done(request, rt, me, task_id, posted, lambda: desk.take_over(rt, task_id, by=me.username, reason=why))


@router.post("/tasks/{task_id:uuid}/delegate")
def delegate(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Delegate the task to a colleague, with a reason."""
    to, why = posted.get("to", ""), posted.get("reason", "")
    return _done(
        request, rt, me, task_id, posted, lambda: desk.delegate(rt, task_id, by=me.username, to=to, reason=why)
    )


@router.post("/tasks/{task_id:uuid}/snooze")
def snooze(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Snooze the task for a while, with a reason."""

    def change() -> None:
        lasts = posted.get("for", "")
        if lasts not in SNOOZES:
            raise BadInput(f"for: choose one of {', '.join(SNOOZES.values())}")
        with pages.snapshot(rt.database) as db:
            until = clock.now(db) + timedelta(seconds=seconds(lasts))
        desk.snooze(rt, task_id, by=me.username, until=until, reason=posted.get("reason", ""))

    return _done(request, rt, me, task_id, posted, change)


@router.post("/tasks/{task_id:uuid}/unsnooze")
def unsnooze(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """End the task's snooze before its time."""
    return _done(request, rt, me, task_id, posted, lambda: desk.unsnooze(rt, task_id, by=me.username))


@router.post("/tasks/{task_id:uuid}/comment")
def comment(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Note something for whoever works on the task."""
    body = posted.get("body", "")
    return _done(
        request, rt, me, task_id, posted, lambda: desk.comment(rt, task_id, by=me.username, body=body), to="comments"
    )


@router.post("/tasks/{task_id:uuid}/draft")
def draft(posted: Posted, request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """Keep what is filled in so far. A script that asks for JSON is told when, or why not."""
    if "application/json" not in request.headers.get("accept", ""):
        keep = lambda: desk.save_draft(  # noqa: E731
            rt, task_id, by=me.username, draft=answers_of(posted), seen=posted.get("draft_seen")
        )
        return _done(request, rt, me, task_id, posted, keep, to="answer")
    try:
        at = desk.save_draft(rt, task_id, by=me.username, draft=answers_of(posted), seen=posted.get("draft_seen"))
    except Stale as problem:
        with pages.snapshot(rt.database) as db:
            other = store.draft(db, task_id, me.username)
        return JSONResponse({"problem": str(problem), "other": other and other.updated_at.isoformat()}, status_code=409)
    except (Refused, NotEntitled, BadInput) as problem:
        return JSONResponse({"problem": str(problem)}, status_code=409)
    return JSONResponse({"saved_at": at.isoformat()})


def _done(
    request: Request, rt: Runtime, me: Me, task_id: UUID, posted: Posted, change: Callable[[], object], *, to: str = ""
) -> Response:
    try:
        change()
    except (Refused, NotEntitled, BadInput) as problem:
        return refused(request, rt, me, task_id, problem, posted)
    return RedirectResponse(f"/tasks/{task_id}{f'#{to}' if to else ''}", status_code=303)
