"""Flower, behind the door of the pages. The law: who may inspect may look, and nobody can change anything through here.

What passes is named, on both sides, and all else stays behind: no cookie of a request reaches Flower and none of its
own reaches the browser. Flower's pages share our origin, so they run its own scripts and no other, send no form, and
ask nobody but us.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

import httpx
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from app.accounts.rights import Right, require
from app.core.ids import run_of_task
from app.settings import Settings
from app.web.http import flower_link
from app.web.http.posting import refuse_foreign
from app.web.http.problems import problem_page
from app.web.http.render import bare
from app.web.http.session import Me, Rt

router = APIRouter()
_READS = ("GET", "HEAD")
_OTHERS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LONGEST_QUESTION = 16 * 1024
_TIMEOUT = httpx.Timeout(30.0, connect=2.0)
_SENT = ("accept", "accept-language", "if-modified-since", "if-none-match", "user-agent", "x-requested-with")
_RETURNED = ("cache-control", "content-language", "content-type", "etag", "expires", "last-modified")
_BAR_BEFORE = b"<main"  # behind Flower's own links, so that its "skip to main content" skips ours too
_INLINE = tuple(f"\nvar autorefresh = {on};\n" for on in (0, 1))  # the one script that stands in a page of Flower


def _hashed(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src 'self' {' '.join(map(_hashed, _INLINE))}; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


async def _client() -> AsyncIterator[httpx.AsyncClient]:
    """One a request, closed when the answer is out: it belongs to no event loop but the request's own."""
    async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=_certificates()) as http:
        yield http


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a request on loopback."""
    return ssl.create_default_context()


Http = Annotated[httpx.AsyncClient, Depends(_client)]


@router.get("/flower")
def home() -> Response:
    """Flower's pages lie in a folder."""
    return RedirectResponse(flower_link.HOME, status_code=HTTPStatus.TEMPORARY_REDIRECT)


@router.post("/flower/tasks/datatable")
async def list_tasks(request: Request, rt: Rt, me: Me, http: Http) -> Response:
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
    return await _looked_up(request, rt.settings, http, "GET", bytes(question))


@router.api_route("/flower/{path:path}", methods=[*_READS, *_OTHERS])
async def show_flower(request: Request, rt: Rt, me: Me, http: Http) -> Response:
    """What Flower says at the same address. Raises NotEntitled."""
    require(rt, me, Right.INSPECT)
    if request.method not in _READS:
        page = problem_page(request, HTTPStatus.METHOD_NOT_ALLOWED, _READ_ONLY)
        page.headers["Allow"] = ", ".join(_READS)
        return page
    return await _looked_up(request, rt.settings, http, request.method, request.scope["query_string"])


async def _looked_up(
    request: Request, settings: Settings, http: httpx.AsyncClient, method: str, query: bytes
) -> Response:
    if not settings.flower_url:
        return problem_page(request, HTTPStatus.SERVICE_UNAVAILABLE, _NOT_NAMED)
    url = _address(settings, request.scope["raw_path"], query)
    if url is None:
        return problem_page(request, HTTPStatus.NOT_FOUND, "Flower has no such page.")
    headers = {name: request.headers[name] for name in _SENT if name in request.headers}
    asked = httpx.Request(method, url, headers=headers | {"accept-encoding": "identity"})
    where = f"{url.host}:{url.port}" if url.port else url.host
    try:
        answer = await http.send(asked, stream=True, auth=_login(settings))
    except httpx.TimeoutException:
        return problem_page(request, HTTPStatus.GATEWAY_TIMEOUT, _SLOW.format(where=where))
    except httpx.ConnectError:
        return problem_page(request, HTTPStatus.SERVICE_UNAVAILABLE, _AWAY.format(where=where))
    except httpx.TransportError as problem:
        return problem_page(request, HTTPStatus.BAD_GATEWAY, _BROKEN.format(where=where, problem=problem))
    path = request.url.path
    if fault := _fault(answer, path):
        return problem_page(request, HTTPStatus.BAD_GATEWAY, fault.format(where=where, status=answer.status_code))
    return _passed_on(answer, path)


def _address(settings: Settings, path: bytes, query: bytes) -> httpx.URL | None:
    """The same path and query, as they were sent, at Flower; None for what would leave its folder."""
    try:
        url = httpx.URL(settings.flower_url).copy_with(raw_path=path + (b"?" + query if query else b""))
    except (httpx.InvalidURL, UnicodeDecodeError):
        return None
    leads_out = not url.path.startswith(flower_link.HOME) or {".", ".."} & set(url.path.split("/"))
    return None if leads_out else url


def _login(settings: Settings) -> httpx.BasicAuth | None:
    user, _, password = settings.flower_login.get_secret_value().partition(":")
    return httpx.BasicAuth(user, password) if user else None


def _fault(answer: httpx.Response, path: str) -> str | None:
    """Why an answer is none for people: it would ask the browser for a login, lead elsewhere, or show a fault's insides."""
    if answer.status_code == HTTPStatus.UNAUTHORIZED or (answer.has_redirect_location and _leads_to(answer) is None):
        return _LOGIN
    if answer.status_code == HTTPStatus.NOT_FOUND and path == flower_link.HOME:
        return _NO_PREFIX
    return _FAULTY if answer.is_server_error else None


def _leads_to(answer: httpx.Response) -> str | None:
    """Where a redirect leads, if that is another page of Flower."""
    target = answer.url.join(answer.headers["location"])
    at_flower = (target.scheme, target.netloc) == (answer.url.scheme, answer.url.netloc)
    return target.raw_path.decode() if at_flower and target.path.startswith(flower_link.HOME) else None


def _passed_on(answer: httpx.Response, path: str) -> Response:
    headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
    headers["Content-Security-Policy"] = POLICY
    if answer.has_redirect_location:
        headers["Location"] = _leads_to(answer) or flower_link.HOME
    body = answer.aiter_bytes()
    if headers.get("content-type", "").startswith("text/html"):
        body = _with_bar(body, bytes(bare("flower/flower_bar.html", run=_run_of(path)).body))
    return StreamingResponse(body, status_code=answer.status_code, headers=headers)


def _run_of(path: str) -> str:
    """The run whose step a page of Flower is about; empty if it is about none."""
    folder = f"{flower_link.HOME}task/"
    run_id = run_of_task(unquote(path.removeprefix(folder))) if path.startswith(folder) else None
    return str(run_id or "")


async def _with_bar(body: AsyncIterator[bytes], bar: bytes) -> AsyncIterator[bytes]:
    """A page with a line of ours in it; as it is, where it has no place for one."""
    held, put = b"", False
    async for chunk in body:
        if put:
            yield chunk
            continue
        held += chunk
        before, mark, after = held.partition(_BAR_BEFORE)
        put = bool(mark)
        keep = 0 if put else len(_BAR_BEFORE) - 1  # the mark may be cut in two
        yield before + bar + mark + after if put else held[: len(held) - keep]
        held = b"" if put else held[max(0, len(held) - keep) :]
    yield held


_START = "`celery -A tasks flower --url-prefix=flower --read-only=true --address=127.0.0.1 --port=8712`"
_KNOWN = "Runs go on without Flower, and each run's own page tells of its steps."
_READ_ONLY = (
    "Flower can only be looked at from here: nothing but GET and HEAD passes. To retry, pause or cancel a run, open its page; to "
    "stop a worker, send its process a signal."
)
_NOT_NAMED = (
    f"No Flower is set up here. Start one ({_START}) and name it to the web process by LONGHAUL_FLOWER_URL. {_KNOWN}"
)
_AWAY = (
    "Flower does not answer at {where}. `longhaul status` says whether it runs here; elsewhere start it "
    f"({_START}), then load this page again. {_KNOWN}"
)
_SLOW = f"Flower at {{where}} did not answer in time. Load this page again; if it stays so, its log says why. {_KNOWN}"
_BROKEN = f"Flower at {{where}} broke off its answer ({{problem}}). Load this page again. {_KNOWN}"
_FAULTY = f"Flower at {{where}} has a fault (it answered {{status}}); its log says which. {_KNOWN}"
_LOGIN = (
    "Flower at {where} wants another login than it was given. Its --basic-auth must be what LONGHAUL_FLOWER_LOGIN says to the web "
    "process (user:password), and it must have no other kind of login: people sign in here."
)
_NO_PREFIX = "Flower at {where} was started without --url-prefix=flower, so it does not know its pages by this address."
