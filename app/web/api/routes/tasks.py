"""Human tasks: listed, read, worked at, completed. The version of a task is its ETag; an answer names the one it was made from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import BadInput, NotEntitled, NotFound
from app.engine.runtime import Runtime
from app.humans import complete as completing
from app.humans import desk, entitled
from app.store.human_tasks import handling, human_tasks, task_list
from app.store.human_tasks.rows import TaskInRun
from app.store.human_tasks.task_list import TaskFilter
from app.store.reads import pages
from app.web.api import bodies, shapes
from app.web.api.answers import etag, listed, reply, shaped
from app.web.api.caller import Caller, Reader, Worker
from app.web.api.examples import answers
from app.web.api.listing import DEFAULT, Cursor, Limit
from app.web.api.problems import Wrong
from app.web.api.repeat import HEADER, once
from app.web.api.routing import Route
from app.web.http.cursors import place
from app.web.http.session import Rt
from app.web.human_tasks import proof

router = APIRouter(route_class=Route, tags=["Tasks"])
_ETAG = re.compile(r'"(\d{1,9})"')
_VERB_ANSWERS = answers(shapes.Task, 404, 409, 413, 415)


@router.get("/tasks", responses=answers(shapes.Tasks))
def list_tasks(
    request: Request,
    rt: Rt,
    caller: Reader,
    mine: Annotated[bool, Query(description="Only of my roles.")] = False,
    claimed: Annotated[bool, Query(description="Only those I have claimed.")] = False,
    role: Annotated[str, Query(max_length=64)] = "",
    overdue: bool = False,
    run: UUID | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = "",
) -> Response:
    """Open tasks, oldest first."""
    behind = place(cursor, datetime, UUID)
    roles: tuple[str, ...] | None = (role,) if role else None
    if mine:
        roles = tuple(one for one in caller.person.roles if not role or one == role)
    wanted = TaskFilter(roles=roles, holder=caller.person.username if claimed else "", run=run, overdue=overdue)
    with pages.snapshot(rt.database) as db:
        found = task_list.page(db, wanted, behind=(behind[0], behind[1]) if behind else None, limit=limit + 1)
    places = [(task.created_at, task.id) for task in found]
    return listed(request, [shaped(shapes.TaskLine, task) for task in found], places, limit)


@router.get("/tasks/{task_id}", responses=answers(shapes.Task, 404))
def show_task(rt: Rt, caller: Reader, task_id: UUID) -> Response:
    """One task with its form; its version is the ETag."""
    return _told(rt, caller, task_id)


@router.post("/tasks/{task_id}/claim", responses=_VERB_ANSWERS)
def claim(request: Request, rt: Rt, caller: Worker, task_id: UUID, idempotency_key: str | None = HEADER) -> Response:
    """Claim it, so that others leave it alone."""
    return _done(request, rt, caller, task_id, lambda by: desk.claim(rt, task_id, by=by))


@router.post("/tasks/{task_id}/release", responses=_VERB_ANSWERS)
def release(request: Request, rt: Rt, caller: Worker, task_id: UUID, idempotency_key: str | None = HEADER) -> Response:
    """Release it to everybody of its role."""
    return _done(request, rt, caller, task_id, lambda by: desk.release(rt, task_id, by=by))


@router.post("/tasks/{task_id}/unsnooze", responses=_VERB_ANSWERS)
def unsnooze(request: Request, rt: Rt, caller: Worker, task_id: UUID, idempotency_key: str | None = HEADER) -> Response:
    """End its snooze before its time."""
    return _done(request, rt, caller, task_id, lambda by: desk.unsnooze(rt, task_id, by=by))


@router.post("/tasks/{task_id}/take-over", responses=_VERB_ANSWERS)
def take_over(
    request: Request, rt: Rt, caller: Worker, task_id: UUID, body: bodies.Because, idempotency_key: str | None = HEADER
) -> Response:
    """Take it over from whoever claimed it: for whoever may take tasks over."""
    return _done(request, rt, caller, task_id, lambda by: desk.take_over(rt, task_id, by=by, reason=body.reason))


@router.post("/tasks/{task_id}/delegate", responses=_VERB_ANSWERS)
def delegate(
    request: Request,
    rt: Rt,
    caller: Worker,
    task_id: UUID,
    body: bodies.DelegateTo,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Delegate it to a colleague who may answer it."""
    return _done(
        request, rt, caller, task_id, lambda by: desk.delegate(rt, task_id, by=by, to=body.to, reason=body.reason)
    )


@router.post("/tasks/{task_id}/snooze", responses=_VERB_ANSWERS)
def snooze(
    request: Request,
    rt: Rt,
    caller: Worker,
    task_id: UUID,
    body: bodies.SnoozeUntil,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Snooze it until a time; its clocks go on."""
    return _done(
        request, rt, caller, task_id, lambda by: desk.snooze(rt, task_id, by=by, until=body.until, reason=body.reason)
    )


@router.post(
    "/tasks/{task_id}/comments", status_code=201, responses=answers(shapes.Commented, 404, 409, 413, 415, status=201)
)
def comment(
    request: Request,
    rt: Rt,
    caller: Worker,
    task_id: UUID,
    body: bodies.CommentBody,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Note something for whoever reads of it later; it cannot be changed."""

    def work() -> Response:
        made = desk.comment(rt, task_id, by=caller.person.username, body=body.body)
        return reply(shapes.Commented(id=made), status=201)

    return once(request, caller, work)


@router.put("/tasks/{task_id}/draft", responses=answers(shapes.DraftKept, 404, 409, 413, 415))
def save_draft(rt: Rt, caller: Worker, task_id: UUID, body: bodies.DraftBody) -> Response:
    """Keep what was filled in so far, in place of what was kept before."""
    at = desk.save_draft(rt, task_id, by=caller.person.username, draft=body.draft)
    return reply(shapes.DraftKept(task_id=task_id, kept_at=at))


@router.post("/tasks/{task_id}/complete", responses=answers(shapes.Completed, 404, 409, 412, 413, 415, 428))
def complete(
    request: Request,
    rt: Rt,
    caller: Worker,
    task_id: UUID,
    body: bodies.AnswerBody,
    if_match: Annotated[str | None, Header(description="The ETag of the task as it was read.")] = None,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Complete it. What approves a payment or a letter needs a person in their browser, never a key; a second signature, a fresh proof."""
    version = _version(if_match)

    def work() -> Response:
        _prove(request, rt, caller, task_id, body.outcome)
        done = completing.complete(
            rt,
            task_id,
            by=caller.person.username,
            outcome=body.outcome,
            answer=body.answer,
            row_version=version,
            with_key=caller.session is None,
        )
        return reply(shapes.Completed(**asdict(done)))

    return once(request, caller, work)


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise Wrong(
            428, "If-Match: send the ETag of the task as you read it, so that nobody answers what they have not seen"
        )
    if (found := _ETAG.fullmatch(if_match.strip())) is None:
        raise BadInput('If-Match: this is no ETag of a task; one looks like "3"')
    return int(found[1])


def _prove(request: Request, rt: Runtime, caller: Caller, task_id: UUID, outcome: str) -> None:
    """Raise NotEntitled where this answer signs off and nobody has proved to be there."""
    if caller.session is None:
        return  # a key approves nothing at all
    if lacking := proof.lacking(request, rt, caller.session, _read(rt, task_id), outcome, {}):
        raise NotEntitled(lacking)


def _done(request: Request, rt: Runtime, caller: Caller, task_id: UUID, work: Callable[[str], Any]) -> Response:
    def act() -> Response:
        work(caller.person.username)
        return _told(rt, caller, task_id)

    return once(request, caller, act)


def _told(rt: Runtime, caller: Caller, task_id: UUID) -> Response:
    with pages.snapshot(rt.database) as db:
        task = human_tasks.read(db, task_id)
        comments = handling.comments(db, task_id)
    if task is None:
        raise NotFound(f"there is no human task {task_id}")
    shown = shaped(
        shapes.Task,
        asdict(task),
        comments=[shapes.Comment(**asdict(comment)) for comment in comments],
        refusal=entitled.refusal(task, caller.person),
    )
    return reply(shown, headers={"ETag": etag(task.row_version)})


def _read(rt: Runtime, task_id: UUID) -> TaskInRun:
    with pages.snapshot(rt.database) as db:
        task = human_tasks.read(db, task_id)
    if task is None:
        raise NotFound(f"there is no human task {task_id}")
    return task
