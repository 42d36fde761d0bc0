"""What Flower answers, made fit for our pages. Loaded when somebody looks at Flower: it brings an HTTP client.

The law: what passes is named, on both sides, and all else stays behind: no cookie of a request reaches Flower and none
of its own reaches the browser. Who may look, and at what, `app.web.flower` has decided before.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.ids import run_of_task
from app.settings import Settings
from app.web.http import flower_link
from app.web.http.problems import problem_page
from app.web.http.render import bare

_TIMEOUT = httpx.Timeout(30.0, connect=2.0)
_SENT = ("accept", "accept-language", "if-modified-since", "if-none-match", "user-agent", "x-requested-with")
_RETURNED = ("cache-control", "content-language", "content-type", "etag", "expires", "last-modified")
_BAR_BEFORE = b"<main"  # behind Flower's own links, so that its "skip to main content" skips ours too


async def looked_up(
    request: Request, settings: Settings, closing: AsyncExitStack, method: str, query: bytes, *, policy: str
) -> Response:
    """What Flower says at the address of a request, under our policy for its pages; a page of ours where it says nothing fit.

    closing: closes, when the answer is out, the client it was asked by; that belongs to the request's event loop.
    """
    url = _address(settings, request.scope["raw_path"], query)
    if url is None:
        return problem_page(request, HTTPStatus.NOT_FOUND, "Flower has no such page.")
    headers = {name: request.headers[name] for name in _SENT if name in request.headers}
    asked = httpx.Request(method, url, headers=headers | {"accept-encoding": "identity"})
    where = f"{url.host}:{url.port}" if url.port else url.host
    client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=_certificates())
    http = await closing.enter_async_context(client)
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
    return _passed_on(answer, path, policy)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a request on loopback."""
    return ssl.create_default_context()


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


def _passed_on(answer: httpx.Response, path: str, policy: str) -> Response:
    headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
    headers["Content-Security-Policy"] = policy
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


_AWAY = (
    "Flower does not answer at {where}. `longhaul status` says whether it runs here; elsewhere start it "
    f"({flower_link.START}), then load this page again. {flower_link.KNOWN}"
)
_SLOW = f"Flower at {{where}} did not answer in time. Load this page again; if it stays so, its log says why. {flower_link.KNOWN}"
_BROKEN = f"Flower at {{where}} broke off its answer ({{problem}}). Load this page again. {flower_link.KNOWN}"
_FAULTY = f"Flower at {{where}} has a fault (it answered {{status}}); its log says which. {flower_link.KNOWN}"
_LOGIN = (
    "Flower at {where} wants another login than it was given. Its --basic-auth must be what LONGHAUL_FLOWER_LOGIN says to the web "
    "process (user:password), and it must have no other kind of login: people sign in here."
)
_NO_PREFIX = "Flower at {where} was started without --url-prefix=flower, so it does not know its pages by this address."
