"""Signing in by the company's identity provider: the way there, and the way back.

The law: the way back begins a session only for the browser that set out, and only once: the token of an attempt is in its
cookie alone. That it is a GET is the protocol's; without the cookie it does nothing.
"""

from __future__ import annotations

import secrets
from urllib.parse import quote, unquote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts import oidc
from app.accounts.oidc import Attempt, Oidc, ProviderAway
from app.core.errors import LonghaulError, NotFound
from app.engine.runtime import Runtime
from app.web.accounts.sign_in import own_path, refused
from app.web.http import session
from app.web.http.session import Rt

router = APIRouter()
PATH = "/sign-in/oidc"
_COOKIE = "longhaul_oidc"
_LASTS_SECONDS = 600


@router.get(PATH)
def set_out(request: Request, rt: Rt, next: str = "/", anew: str = "") -> Response:  # noqa: A002  # the usual name
    """To the provider, which sends the browser back here. `anew`: it asks the person again."""
    provider, attempt = _provider(rt), Attempt(secrets.token_urlsafe(32))
    try:
        address = oidc.way_there(provider, attempt, back=_back(request, rt), anew=bool(anew))
    except ProviderAway as problem:
        return refused(request, own_path(next), f"{problem}.", status=503)
    answer = RedirectResponse(address, status_code=303)
    answer.set_cookie(
        _COOKIE,
        f"{attempt.token}.{quote(own_path(next), safe='')}",
        max_age=_LASTS_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=PATH,
    )
    return answer


@router.get(f"{PATH}/back")
async def come_back(request: Request, rt: Rt, code: str = "", state: str = "", error: str = "") -> Response:
    """From the provider, with a code for whoever signed in there."""
    provider = _provider(rt)
    token, _, where = request.cookies.get(_COOKIE, "").partition(".")
    attempt, where = Attempt(token), own_path(unquote(where) or "/")
    if not token or not secrets.compare_digest(attempt.part("state").encode(), state.encode()):
        return _ended(
            refused(request, where, "This sign-in was begun elsewhere, or too long ago; begin it again.", status=403)
        )
    if error or not code:
        return _ended(
            refused(request, where, f"Your company did not let you in: {error[:100] or 'it gave no code'}.", status=403)
        )
    try:
        signed = await run_in_threadpool(oidc.way_back, rt, provider, attempt, code=code, back=_back(request, rt))
    except ProviderAway as problem:
        return _ended(refused(request, where, f"{problem}.", status=503))
    except LonghaulError as problem:
        said = str(problem)
        return _ended(refused(request, where, f"{said[:1].upper()}{said[1:]}.", status=403))
    answer = RedirectResponse(where, status_code=303)
    await run_in_threadpool(session.begin, request, answer, signed.person, let_in_by="oidc", proven=signed.proven)
    return _ended(answer)


def _ended(answer: Response) -> Response:
    answer.delete_cookie(_COOKIE, path=PATH, httponly=True, samesite="lax")
    return answer


def _provider(rt: Runtime) -> Oidc:
    found = oidc.configured(rt.settings, rt.roles)
    if found is None:
        raise NotFound("no company sign-in is set up here; LONGHAUL_OIDC_ISSUER names one")
    return found


def _back(request: Request, rt: Runtime) -> str:
    """Where the provider is to send the browser: an address that it knows for us."""
    ours = rt.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{ours}{PATH}/back"
