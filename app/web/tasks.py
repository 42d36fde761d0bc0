"""A human task: read, claimed, completed. What is accepted `app.humans.complete` decides; here it is asked and told."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import AlreadyAnswered, BadInput, NotEntitled, Refused
from app.humans.complete import complete
from app.humans.entitled import refusal
from app.humans.people import Person
from app.web import form_answers, proof
from app.web.posting import Posted
from app.web.render import render
from app.web.session import Me, Rt, Signed, session_of
from app.web.sight import Sight, see

router = APIRouter()


@router.get("/tasks/{task_id:uuid}")
def show_task(request: Request, rt: Rt, me: Me, task_id: UUID) -> Response:
    """The task, and its form if this person may answer."""
    return _page(request, me, see(rt, task_id))


@router.post("/tasks/{task_id:uuid}")
def complete_task(posted: Posted, request: Request, rt: Rt, me: Me, session: Signed, task_id: UUID) -> Response:
    """Answer the task; whatever is refused, the page comes back with the person's text."""
    sight = see(rt, task_id)
    fields = sight.fields(posted)
    answer, wrong = form_answers.read(fields, posted)
    outcome = posted.get("outcome", "")
    if outcome not in sight.task["outcomes"]:
        wrong["outcome"] = "Choose one of the buttons below the form."
    version = _version(posted)
    answerable = sight.task["status"] == "OPEN" and not refusal(sight.task, me)
    if wrong and answerable and version == sight.task["row_version"]:
        return _page(request, me, sight, typed=posted, wrong=wrong, status=422)
    if answerable and (lacking := proof.lacking(request, rt, session, sight.task, outcome, posted)):
        return _page(request, me, sight, typed=posted, message=lacking, status=403)
    try:
        complete(rt, task_id, by=me.username, outcome=outcome, answer=answer, row_version=version)
    except BadInput as problem:
        wrong = form_answers.by_field(str(problem), fields)
        return _page(request, me, sight, typed=posted, wrong=wrong, status=422)
    except AlreadyAnswered:
        first = "This task was already answered: see below by whom and when. Your answer was not recorded."
        return _page(request, me, see(rt, task_id), typed=posted, message=first, status=409)
    except NotEntitled as problem:
        message = f"Your answer was not recorded: {problem}."
        return _page(request, me, sight, typed=posted, message=message, status=403)
    except Refused as problem:
        message = f"Your answer was not recorded: {problem}."
        return _page(request, me, see(rt, task_id), typed=posted, message=message, status=409)
    return RedirectResponse(f"/tasks/{task_id}", status_code=303)


def _page(
    request: Request,
    me: Person,
    sight: Sight,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    message: str = "",
    status: int = 200,
) -> Response:
    fields = sight.fields(typed)
    why_not = refusal(sight.task, me)
    given = (sight.task["answer"] or {}).get("values", {})
    has_form = sight.task["status"] == "OPEN" and not why_not
    kept = [(f.label, f.value) for f in fields if f.value.strip()] if typed and not has_form else []
    return render(
        request,
        "task.html",
        status=status,
        sight=sight,
        task=sight.task,
        fields=fields,
        wrong=wrong or {},
        message=message,
        refusal=why_not,
        given={field.label: given.get(field.name) for field in fields},
        kept=kept,
        proof=proof.asked_for(sight.task, session_of(request)) if has_form else None,
    )


def _version(posted: Mapping[str, str]) -> int:
    text = posted.get("row_version", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise BadInput("row_version: the form is damaged; open the task again")
    return int(text)
