"""`/c/<token>`: where a claimant sees what is asked of them and sends it. They come by a link, once, and by nothing else.

The law: a GET changes nothing (mail scanners follow links), no cookie is set, nothing else can be reached from here, and
whoever has a link that ended sees the same as whoever has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import BadInput, LonghaulError, Refused
from app.engine.runtime import Runtime
from app.insurance.claimant import claimant_links
from app.insurance.claimant.claimant_links import LinkEnded, TooOften
from app.insurance.claimant.files import ACCEPTED, LIMITS, Taken, take
from app.insurance.claimant.view import View, see
from app.store.accounts.upload_links import UploadLink
from app.store.reads.pages import DATABASE_PROBLEM
from app.web.http.posting import NotOurForm, refuse_foreign
from app.web.http.receiving import Form, TooMuch, received
from app.web.http.render import bare
from app.web.http.session import Rt, runtime_of

router = APIRouter()
_HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive"}
_AGAIN = "Please open the link from our message again and send the files from that page."


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a sending came to, in words above the page. `wait_minutes`: after how long it may be tried again."""

    message: str = ""
    wait_minutes: int = 0
    taken: Taken = field(default_factory=Taken)


@router.api_route("/c/{token}", methods=["GET", "HEAD"])
def show(rt: Rt, token: str) -> Response:
    """What is asked, and the form. Reads only."""
    return _answer(rt, token, Said())


@router.api_route("/c/{rest:path}", methods=["GET", "HEAD"])
def nothing_else(rest: str) -> Response:
    """There is nothing else here."""
    return _ended()


@router.post("/c/{token}")
async def send(request: Request, token: str) -> Response:
    """Take what is sent. Every file is named in the answer: received, known already, or refused and why."""
    rt, address = runtime_of(request), request.client.host if request.client else ""
    try:
        link = await to_thread.run_sync(_admitted, rt, token, address)
        refuse_foreign(request)

        def ours(form: Form) -> None:
            if not claimant_links.is_form_of(token, form.fields.get("form", "")):
                raise NotOurForm(_AGAIN)

        async with received(request, LIMITS, admitted=ours) as form:
            taken = await to_thread.run_sync(take, rt, link, form.files)
            status = HTTPStatus.OK if taken.came or taken.known else HTTPStatus.UNPROCESSABLE_ENTITY
            return await to_thread.run_sync(_answer, rt, token, Said(taken=taken), status)
    except (LonghaulError, DATABASE_PROBLEM) as problem:
        return await to_thread.run_sync(_refused, rt, token, problem)


def _admitted(rt: Runtime, token: str, address: str) -> UploadLink:
    claimant_links.admit(rt, token=token, address=address)
    with rt.database.transaction() as db:
        return claimant_links.opened(db, token)


def _refused(rt: Runtime, token: str, problem: Exception) -> Response:
    match problem:
        case TooOften():
            minutes = max(1, math.ceil(problem.wait_seconds / 60))
            headers = {"Retry-After": str(math.ceil(problem.wait_seconds))}
            return _answer(rt, token, Said(wait_minutes=minutes), HTTPStatus.TOO_MANY_REQUESTS, headers)
        case LinkEnded():
            return _ended()
        case NotOurForm():
            return _answer(rt, token, Said(message=f"Nothing was sent. {_AGAIN}"), HTTPStatus.FORBIDDEN)
        case TooMuch():
            message = f"Nothing was taken: send at most {LIMITS.files} files at a time, each of at most 25 MB."
            return _answer(rt, token, Said(message=message), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        case Refused():
            message = "Nothing was taken: your claim has been closed meanwhile. Please write to us instead."
            return _answer(rt, token, Said(message=message), HTTPStatus.CONFLICT)
        case BadInput():
            return _answer(rt, token, Said(message=f"Nothing was taken. {_AGAIN}"), HTTPStatus.BAD_REQUEST)
        case _:
            return _away()


def _answer(
    rt: Runtime,
    token: str,
    said: Said,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    try:
        view: View = see(rt, token)
    except LinkEnded:
        # Told also to whoever has no link at all: that they sent too often says nothing of a link.
        return _ended(said, status, headers) if said.wait_minutes else _ended()
    except DATABASE_PROBLEM:
        return _away()
    form = claimant_links.form_token(token)
    page = bare("claimant/page.html", status=status, view=view, said=said, form=form, limits=LIMITS, accepted=ACCEPTED)
    page.headers.update({**_HEADERS, **(headers or {})})
    return page


def _ended(
    said: Said | None = None,
    status: HTTPStatus = HTTPStatus.NOT_FOUND,
    headers: Mapping[str, str] | None = None,
) -> Response:
    page = bare("claimant/ended.html", status=status, away=False, said=said or Said())
    page.headers.update({**_HEADERS, **(headers or {})})
    return page


def _away() -> Response:
    page = bare("claimant/ended.html", status=HTTPStatus.SERVICE_UNAVAILABLE, away=True, said=Said())
    page.headers.update({**_HEADERS, "Retry-After": "60"})
    return page
