"""What a person sees when a page cannot be given: what is wrong, what to do, and the text they had written."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import BadInput, LonghaulError, NotEntitled, NotFound, Refused, StoreUnavailable
from app.store.database import RETRYABLE, is_gone
from app.web.http.form_fields import PREFIX, answers_of
from app.web.http.posting import NotOurForm, OldForm, page_of
from app.web.http.render import render
from app.web.http.session import current
from app.web.http.show import words

_LOGGER = logging.getLogger("longhaul")
_TIMED_OUT = "57014"  # a statement that took longer than its session allows
_AWAY = (
    "The database does not answer. Start it or wait until it is back (`longhaul status` says which part is down), then "
    "load this page again. If you were sending something, look first whether it was recorded: a task takes one answer."
)
_BUSY = "The database is busy and gave up on this page. Nothing was changed; load it again."
_OURS = (
    "Something went wrong on our side, and nothing was changed. The log of the web process says what; tell an operator."
)

_TITLES = {
    HTTPStatus.BAD_REQUEST: "This cannot be done as it was asked",
    HTTPStatus.FORBIDDEN: "This is not open to you",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address takes no such request",
    HTTPStatus.CONFLICT: "This is not possible any more",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side",
    HTTPStatus.SERVICE_UNAVAILABLE: "This page cannot be shown just now",
}
_STATUS: tuple[tuple[type[LonghaulError], HTTPStatus], ...] = (
    (NotOurForm, HTTPStatus.FORBIDDEN),
    (NotEntitled, HTTPStatus.FORBIDDEN),
    (Refused, HTTPStatus.CONFLICT),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem_page(request: Request, status: HTTPStatus, message: str) -> Response:
    """The page of one problem, with everything the person had typed."""
    typed = getattr(request.state, "posted", {})
    kept = [(words(n.removeprefix(PREFIX)), v) for n, v in typed.items() if n.startswith(PREFIX) and v.strip()]
    if not hasattr(request.state, "person") and (session := current(request)):
        request.state.person = (
            session.person
        )  # whoever is signed in keeps the way back, also where no page asked who it is
    page = page_of(request) if isinstance(getattr(request.state, "old_form", None), OldForm) else ""
    again = request.url.path if request.method == "GET" and status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return render(
        request,
        "http/problem.html",
        status=status,
        title=_TITLES.get(status, status.phrase),
        message=message,
        kept=kept,
        named=f"Error {status.value}, {status.phrase}",
        again=again,
        page=page,
        fields=answers_of(typed) if page.startswith("/tasks/") else {},
        sign_in=f"/sign-in?{urlencode({'next': page})}" if page else "/sign-in",
    )


def to_sign_in(request: Request, problem: Exception) -> Response:
    """Nobody is signed in: go and do so, and come back."""
    where = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return RedirectResponse(f"/sign-in?{urlencode({'next': where + query})}", status_code=HTTPStatus.SEE_OTHER)


def of_http(request: Request, problem: Exception) -> Response:
    """What the router refuses: an unknown path, a wrong method."""
    assert isinstance(problem, HTTPException)
    status = HTTPStatus(problem.status_code)
    message = {
        HTTPStatus.NOT_FOUND: "There is no such page. These lead to all there are:",
        HTTPStatus.METHOD_NOT_ALLOWED: "It is no page of its own: it takes what a form sends. Nothing was changed.",
    }.get(status, str(problem.detail))
    return problem_page(request, status, message)


def of_ours(request: Request, problem: Exception) -> Response:
    """What Longhaul raises on purpose: its message says what is wrong and what to do."""
    request.state.old_form = problem
    status = next((status for kind, status in _STATUS if isinstance(problem, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    return problem_page(request, status, str(problem))


def of_database(request: Request, problem: Exception) -> Response:
    """An absent server, a busy one, or a fault of ours."""
    state = getattr(problem, "sqlstate", None)
    if is_gone(problem):
        request.state.session = None  # nobody can be looked up now, and the page must not try again
        return problem_page(request, HTTPStatus.SERVICE_UNAVAILABLE, _AWAY)
    if state == _TIMED_OUT or state in RETRYABLE:
        return problem_page(request, HTTPStatus.SERVICE_UNAVAILABLE, _BUSY)
    _LOGGER.error("a page failed in the database", exc_info=problem)
    return problem_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, _OURS)


def of_nobody(request: Request, problem: Exception) -> Response:
    """A fault of ours; the server logs it."""
    return problem_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, _OURS)
