"""One's own page: a password, and the other places where one is signed in."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts import passwords, sessions
from app.accounts.passwords import WrongPassword
from app.accounts.sessions import Session
from app.accounts.throttle import TooOften
from app.core.errors import BadInput
from app.engine.runtime import Runtime
from app.store.accounts import sessions as kept
from app.store.reads import pages
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Rt, Signed, address_of

router = APIRouter()


@router.get("/account")
def account(request: Request, rt: Rt, session: Signed) -> Response:
    """Who one is, and how one gets in."""
    return _page(request, rt, session)


@router.post("/account/password")
def change_password(posted: Posted, request: Request, rt: Rt, session: Signed) -> Response:
    """Set a password; whoever has one gives it too, or has just signed in without it."""
    try:
        prove(request, rt, session, posted.get("old", ""))
        passwords.change(rt, session.person.username, _twice(posted), keep_session=session.id_hash)
    except (BadInput, WrongPassword, TooOften) as problem:
        status = 422 if isinstance(problem, BadInput) else 403
        return _page(request, rt, session, message=f"Nothing was changed: {problem}.", status=status)
    return RedirectResponse("/account?done=password", status_code=303)


def prove(request: Request, rt: Runtime, session: Session, password: str) -> None:
    """By their password; without one, by having signed in a short while ago. Raises WrongPassword or TooOften."""
    if session.has_password:
        passwords.sign_in(rt, session.person.username, password, address=address_of(request))
    elif not session.proven:
        raise WrongPassword("it is over ten minutes since your link let you in; sign in by a new one")


def _twice(posted: Mapping[str, str]) -> str:
    new = posted.get("new", "")
    if new != posted.get("again"):
        raise BadInput("the two new passwords differ; write the same one twice")
    return new


@router.post("/account/sign-out-elsewhere")
def sign_out_elsewhere(posted: Posted, rt: Rt, session: Signed) -> Response:
    """End all other sessions."""
    sessions.end_others(rt, session)
    return RedirectResponse("/account?done=sessions", status_code=303)


_DONE = {
    "password": "Your password is set, and you are signed out everywhere else.",
    "sessions": "You are signed out everywhere else.",
}


def _page(request: Request, rt: Runtime, session: Session, *, message: str = "", status: int = 200) -> Response:
    with pages.snapshot(rt.database) as db:
        live = kept.of(db, session.person.username)
    done = _DONE.get(request.query_params.get("done", ""), "")
    return render(
        request,
        "accounts/account.html",
        status=status,
        session=session,
        live=live,
        message=message,
        done=done,
        shortest=passwords.SHORTEST,
    )
