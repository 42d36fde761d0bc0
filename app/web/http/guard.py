"""What stands before every request. The law: no page runs a script but our own files (none that stands in a page), asks
anybody but us, is framed, sniffed, cached or named elsewhere.

A host name we do not have is refused: a foreign name that resolves to this machine would let a stranger's page read
ours (DNS rebinding). An address in digits cannot be re-bound, and a health probe may come by any name.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from ipaddress import ip_address
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_UNKNOWN_NAME = (
    "This server is not known by the name it was asked for. On its own machine, open it as 127.0.0.1 or localhost. If people reach it "
    "by another name, set LONGHAUL_PUBLIC_URL to what they type, such as https://claims.example.com; "
    "LONGHAUL_WEB_HOST only says where it listens.\n"
)


class Guard:
    """Refuses foreign host names, and gives every answer the headers it must have."""

    def __init__(self, app: ASGIApp, named_host: str, public_host: str = "") -> None:
        self._app = app
        self._names = {"localhost", named_host, public_host} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                guard_headers(MutableHeaders(scope=message), cached=scope["path"].startswith("/static/"))
            await send(message)

        if self._is_ours(scope):
            await self._app(scope, receive, send_guarded)
        else:
            await PlainTextResponse(_UNKNOWN_NAME, status_code=421)(scope, receive, send_guarded)

    def _is_ours(self, scope: MutableMapping[str, Any]) -> bool:
        return scope["path"] == "/healthz" or is_our_name(Headers(scope=scope).get("host", ""), self._names)


def guard_headers(headers: MutableHeaders, *, cached: bool = False) -> None:
    """Set what is not set already."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "max-age=300" if cached else "no-store")


def is_our_name(host: str, names: set[str]) -> bool:
    """Whether a Host header names this server: one of `names`, or any address in digits."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name in names:
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
