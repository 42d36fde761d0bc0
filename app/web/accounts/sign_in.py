"""Signing in: by name and password, or by a one-time link. What fails says nothing of who there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts import links, passwords
from app.accounts.passwords import WrongPassword
from app.accounts.throttle import TooOften
from app.core.errors import LonghaulError
from app.humans import desk
from app.web.http import session
from app.web.http.form_fields import answers_of
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Rt, address_of, runtime_of

router = APIRouter()
_WHERE, _WANTED_SECONDS = "longhaul_next", 3600
_TASK = re.compile(r"/tasks/([0-9a-f-]{36})")


@router.get("/sign-in")
def ask(request: Request, next: str = "/") -> Response:  # noqa: A002  # the usual name of this parameter
    """Name and password."""
    return _form(request, next)


@router.post("/sign-in")
def sign_in(posted: Posted, request: Request, rt: Rt) -> Response:
    """Sign in with name and password; whatever is wrong, the form comes back."""
    where, name, fields = posted.get("next", "/"), posted.get("username", ""), answers_of(posted)
    try:
        person = passwords.sign_in(rt, name, posted.get("password", ""), address=address_of(request))
    except TooOften as problem:
        answer = _form(request, where, name, message=f"{problem}.", status=429, fields=fields)
        answer.headers["Retry-After"] = str(round(problem.retry_after_seconds) + 1)
        return answer
    except WrongPassword as problem:
        return _form(request, where, name, message=f"{problem}.", status=403, fields=fields)
    response = _let_in(own_path(where))
    session.begin(request, response, person, let_in_by="password")
    if fields and (task := _TASK.fullmatch(where)):
        with suppress(LonghaulError):  # the task has gone on meanwhile, or is not theirs: its page says so
            desk.save_draft(rt, UUID(task[1]), by=person.username, draft=fields)
    return response


@router.get("/sign-in/link/{token}")
def show_link(request: Request, rt: Rt, token: str) -> Response:
    """Whom a link lets in. Looking uses nothing up."""
    return render(request, "accounts/sign_in_link.html", who=links.whose(rt, token), token=token)


@router.post("/sign-in/link/{token}")
def use_link(posted: Posted, request: Request, rt: Rt, token: str) -> Response:
    """Sign in by a one-time link."""
    person = links.use(rt, token, address=address_of(request))
    response = _let_in(own_path(unquote(request.cookies.get(_WHERE, "")) or "/"))
    session.begin(request, response, person, let_in_by="link")
    return response


@router.post("/sign-out")
def sign_out(posted: Posted, request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/sign-in", status_code=303)
    session.end(request, response)
    return response


def refused(request: Request, where: str, message: str, *, status: int) -> Response:
    """The form again, with why somebody was not let in by another way."""
    return _form(request, where, message=message, status=status)


def _let_in(where: str) -> Response:
    """On to where they wanted to go; the next person of this browser is not sent there."""
    response = RedirectResponse(where, status_code=303)
    response.delete_cookie(_WHERE, path="/sign-in", httponly=True, samesite="lax")
    return response


def _form(
    request: Request,
    where: str,
    name: str = "",
    *,
    message: str = "",
    status: int = 200,
    fields: Mapping[str, str] | None = None,
) -> Response:
    config = runtime_of(request).settings
    company, where = config.oidc_label if config.oidc_issuer else "", own_path(where)
    shown = render(
        request,
        "accounts/sign_in.html",
        status=status,
        next=where,
        username=name,
        message=message,
        company=company,
        fields=fields,
    )
    if where != "/":  # who is let in by a link instead still comes to where they wanted to go
        shown.set_cookie(
            _WHERE,
            quote(where, safe=""),
            max_age=_WANTED_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            path="/sign-in",
        )
    return shown


def own_path(path: str) -> str:
    """A path of ours; anything that could lead to another site becomes the first page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
