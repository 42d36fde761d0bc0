"""Who is asking. The law: the cookie holds a random token and nothing else; the session it names, and what its person may
do, are read from the database each time.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import sessions
from app.accounts.people import Person
from app.accounts.sessions import Session
from app.engine.runtime import Runtime

_FORM_COOKIE = "longhaul_form"
_FORM_TOKEN_CHARACTERS = 43


class SignInNeeded(Exception):
    """Nobody is signed in; the answer is the sign-in page."""


def runtime_of(request: Request) -> Runtime:
    """The runtime the application was made over."""
    rt: Runtime = request.app.state.rt
    return rt


def current(request: Request) -> Session | None:
    """The session of a request, looked up once."""
    if not hasattr(request.state, "session"):
        token = request.cookies.get(cookie_name(request))
        request.state.session = sessions.find(runtime_of(request), token) if token else None
    found: Session | None = request.state.session
    return found


def csrf_token(request: Request) -> str:
    """What a form must carry: the session's own token, or before there is one a cookie's that no other site can read."""
    if session := current(request):
        return session.csrf
    if not hasattr(request.state, "form_token"):
        given = request.cookies.get(_FORM_COOKIE, "")
        fits = len(given) == _FORM_TOKEN_CHARACTERS and given.isascii()
        request.state.form_token = given if fits else secrets.token_urlsafe(32)
        request.state.form_token_is_new = not fits
    token: str = request.state.form_token
    return token


def keep_form_token(request: Request, response: Response) -> None:
    """Give the browser the token of a form shown to somebody who is not signed in."""
    if getattr(request.state, "form_token_is_new", False):
        response.set_cookie(
            _FORM_COOKIE, request.state.form_token, httponly=True, samesite="strict", secure=_is_https(request)
        )


def begin(request: Request, response: Response, person: Person, *, let_in_by: str, proven: bool = True) -> None:
    """Sign a person in, on this response: a new session, nothing of the one before survives."""
    token = sessions.begin(
        runtime_of(request),
        person,
        let_in_by=let_in_by,
        agent=request.headers.get("user-agent", ""),
        instead_of=request.cookies.get(cookie_name(request)),
        proven=proven,
    )
    response.set_cookie(cookie_name(request), token, httponly=True, samesite="lax", secure=_is_https(request), path="/")


def end(request: Request, response: Response) -> None:
    """Sign out, on this response."""
    if token := request.cookies.get(cookie_name(request)):
        sessions.end(runtime_of(request), token)
    response.delete_cookie(cookie_name(request), httponly=True, samesite="lax", secure=_is_https(request), path="/")


def cookie_name(request: Request) -> str:
    """Behind TLS the cookie bears a name that browsers take from this host alone, for all of it, and only so."""
    return "__Host-longhaul_session" if _is_https(request) else "longhaul_session"


def address_of(request: Request) -> str:
    """Where a request comes from, as far as we can see."""
    return request.client.host if request.client else "unknown"


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"


Rt = Annotated[Runtime, Depends(runtime_of)]


def session_of(request: Request) -> Session:
    """The session of who is signed in. Raises SignInNeeded."""
    session = current(request)
    if session is None:
        raise SignInNeeded
    request.state.person = session.person
    return session


Signed = Annotated[Session, Depends(session_of)]


def signed_in(session: Signed) -> Person:
    """Who is signed in, as the database knows them now. Raises SignInNeeded."""
    return session.person


Me = Annotated[Person, Depends(signed_in)]
