"""Flower, behind the door of the pages. The law: who may inspect may look, and nobody can change anything through here.

Flower is asked, and its answer made fit for our pages, by `app.web.flower_answers`. Flower's pages share our origin, so
they run its own scripts and no other, send no form, and ask nobody but us.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.rights import Right, require
from app.settings import Settings
from app.web.http import flower_link
from app.web.http.posting import refuse_foreign
from app.web.http.problems import problem_page
from app.web.http.session import Me, Rt

router = APIRouter()
_READS = ("GET", "HEAD")
_OTHERS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LONGEST_QUESTION = 16 * 1024
_INLINE = tuple(f"\nvar autorefresh = {on};\n" for on in (0, 1))  # the one script that stands in a page of Flower


def _hashed(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src 'self' {' '.join(map(_hashed, _INLINE))}; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


async def _closing() -> AsyncIterator[AsyncExitStack]:
    """What is opened for a request, closed when the answer is out."""
    async with AsyncExitStack() as opened:
        yield opened


Closing = Annotated[AsyncExitStack, Depends(_closing)]


@router.get("/flower")
def home() -> Response:
    """Flower's pages lie in a folder."""
    return RedirectResponse(flower_link.HOME, status_code=HTTPStatus.TEMPORARY_REDIRECT)


@router.post("/flower/tasks/datatable")
async def list_tasks(request: Request, rt: Rt, me: Me, closing: Closing) -> Response:
    """The rows of Flower's list of tasks. Its script asks for them by POST; Flower is asked by GET, which it answers alike."""
    require(rt, me, Right.INSPECT)
    refuse_foreign(request)
    question = bytearray()
    async for chunk in request.stream():
        question += chunk
        if len(question) > _LONGEST_QUESTION:
            return problem_page(
                request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is no question about a list of tasks."
            )
    return await _looked_up(request, rt.settings, closing, "GET", bytes(question))


@router.api_route("/flower/{path:path}", methods=[*_READS, *_OTHERS])
async def show_flower(request: Request, rt: Rt, me: Me, closing: Closing) -> Response:
    """What Flower says at the same address. Raises NotEntitled."""
    require(rt, me, Right.INSPECT)
    if request.method not in _READS:
        page = problem_page(request, HTTPStatus.METHOD_NOT_ALLOWED, _READ_ONLY)
        page.headers["Allow"] = ", ".join(_READS)
        return page
    return await _looked_up(request, rt.settings, closing, request.method, request.scope["query_string"])


async def _looked_up(
    request: Request, settings: Settings, closing: AsyncExitStack, method: str, query: bytes
) -> Response:
    if not settings.flower_url:
        return problem_page(request, HTTPStatus.SERVICE_UNAVAILABLE, _NOT_NAMED)
    from app.web import flower_answers  # late: no other page needs the HTTP client that it brings

    return await flower_answers.looked_up(request, settings, closing, method, query, policy=POLICY)


_READ_ONLY = (
    "Flower can only be looked at from here: nothing but GET and HEAD passes. To retry, pause or cancel a run, open its page; to "
    "stop a worker, send its process a signal."
)
_NOT_NAMED = (
    f"No Flower is set up here. Start one ({flower_link.START}) and name it to the web process by LONGHAUL_FLOWER_URL. "
    f"{flower_link.KNOWN}"
)
