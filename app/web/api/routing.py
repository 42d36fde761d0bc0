"""How a body comes in. The law: it is of a type the address reads, and no more of it is kept than is allowed, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from app.web.api.problems import Wrong

MOST_JSON = 1024 * 1024  # bytes
_BODIES = ("POST", "PUT")


class Route(APIRoute):
    """An address of JSON: refuses other bodies and large ones before anything is made of them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        reads_json = not (self.openapi_extra or {}).get("x-files")

        async def handled(request: Request) -> Response:
            if request.method in _BODIES and reads_json:
                await _read(request)
            response = await handle(request)
            for name, value in getattr(request.state, "rate", {}).items():
                response.headers[name] = value
            return response

        return handled


async def _read(request: Request) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MOST_JSON:
        raise _too_much()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_JSON:
            raise _too_much()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if body and kind != "application/json":
        raise Wrong(415, f"the body must be application/json; this is {kind[:80] or 'of no type'}")
    request._body = bytes(body)  # noqa: SLF001  # where the framework keeps a body it has read itself


def _too_much() -> Wrong:
    return Wrong(413, f"the body is larger than {MOST_JSON:,} bytes; send large content as a document")
