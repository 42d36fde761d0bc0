"""A human task: read and completed. What is accepted `app.humans.complete` decides; here it is asked and told."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import AlreadyAnswered, BadInput, NotEntitled, Refused
from app.core.statuses import TaskStatus
from app.humans import desk
from app.humans.complete import complete
from app.humans.entitled import refusal
from app.web.http.form_fields import answers_of
from app.web.http.fragments import fragment
from app.web.http.posting import Posted
from app.web.http.session import Me, Rt, Signed
from app.web.human_tasks import form_answers, proof
from app.web.human_tasks.sight import see
from app.web.human_tasks.task_page import refused, task_page

router = APIRouter()


@router.get("/tasks/{task_id:uuid}")
def show_task(request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """The task, and its form if this person may answer."""
    return task_page(request, rt, me, see(rt, task_id, me))


@router.get("/tasks/{task_id:uuid}/standing")
def standing(request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """What may change on the page while it is open: who holds the task, its clock, comments, what came in."""
    sight = see(rt, task_id, me)
    seen = (
        sight.task.row_version,
        sight.task.status,
        len(sight.comments),
        sight.now.strftime("%H:%M"),
        me.username,
    )
    return fragment(
        request,
        "human_tasks/task_standing.html",
        of=seen,
        sight=sight,
        task=sight.task,
        now=sight.now,
        refusal=refusal(sight.task, me),
    )


@router.post("/tasks/{task_id:uuid}/complete")
def complete_task(posted: Posted, request: Request, rt: Rt, me: Me, session: Signed, task_id: UUID) -> Response:
    """Complete the task; whatever is refused, the page comes back with the person's text."""
    if posted.get("save") == "draft":  # the form's other button
        try:
            desk.save_draft(rt, task_id, by=me.username, draft=answers_of(posted), seen=posted.get("draft_seen"))
        except Refused as problem:
            return refused(request, rt, me, task_id, problem, posted)
        return RedirectResponse(f"/tasks/{task_id}#answer", status_code=303)
    sight = see(rt, task_id, me)
    fields = sight.fields(posted)
    answer, wrong = form_answers.read(fields, posted)
    outcome = posted.get("outcome", "")
    if outcome not in sight.task.outcomes:
        wrong["outcome"] = "Choose one of the buttons below the form."
    elif wrong:
        wrong = form_answers.problems(fields, answer, wrong, sight.task.form, outcome)
    version = _version(posted)
    answerable = sight.task.status == TaskStatus.OPEN and not refusal(sight.task, me)
    if wrong and answerable and version == sight.task.row_version:
        return task_page(request, rt, me, sight, typed=posted, wrong=wrong, status=422)
    if answerable and (lacking := proof.lacking(request, rt, session, sight.task, outcome, posted)):
        return task_page(request, rt, me, sight, typed=posted, message=lacking, status=403)
    try:
        complete(rt, task_id, by=me.username, outcome=outcome, answer=answer, row_version=version)
    except BadInput as problem:
        wrong = form_answers.by_field(str(problem), fields)
        return task_page(request, rt, me, sight, typed=posted, wrong=wrong, status=422)
    except AlreadyAnswered:
        first = "This task was already answered: see below by whom and when. Your answer was not recorded."
        return task_page(request, rt, me, see(rt, task_id, me), typed=posted, message=first, status=409)
    except NotEntitled as problem:
        message = f"Your answer was not recorded: {problem}."
        return task_page(request, rt, me, sight, typed=posted, message=message, status=403)
    except Refused as problem:
        message = f"Your answer was not recorded: {problem}."
        return task_page(request, rt, me, see(rt, task_id, me), typed=posted, message=message, status=409)
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)


def _version(posted: Mapping[str, str]) -> int:
    text = posted.get("row_version", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise BadInput("row_version: the form is damaged; open the task again")
    return int(text)
