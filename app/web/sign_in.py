"""Signing in as one of the named demo people. There is no password: this is for a loopback address only."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.humans import people
from app.store import pages
from app.web.posting import Posted
from app.web.render import render
from app.web.session import Rt, begin

router = APIRouter()


@router.get("/sign-in")
def choose_person(request: Request, rt: Rt, next: str = "/") -> Response:  # noqa: A002  # the usual name of this parameter
    """Who there is to sign in as."""
    with pages.snapshot(rt.database) as db:
        everyone = people.everyone(db)
    return render(request, "sign_in.html", everyone=everyone, next=_own_path(next))


@router.post("/sign-in")
def sign_in(posted: Posted, request: Request, rt: Rt) -> Response:
    """Sign in as the chosen person."""
    with pages.snapshot(rt.database) as db:
        person = people.find(db, posted.get("username", ""))
    begin(request, person)
    return RedirectResponse(_own_path(posted.get("next", "/")), status_code=303)


@router.post("/sign-out")
def sign_out(posted: Posted, request: Request) -> Response:
    """Forget who was signed in."""
    request.session.clear()
    return RedirectResponse("/sign-in", status_code=303)


def _own_path(path: str) -> str:
    """A path of ours; anything that could lead to another site becomes the inbox."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
