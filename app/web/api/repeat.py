"""A POST that comes again. The law: the same caller, Idempotency-Key, address and body get the same answer, and what it did is
done once. What was refused has done nothing, so its key stays free. The answer is kept for as long as keys are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from app.core.canonical import digest, restore
from app.core.ids import new_token
from app.engine.runtime import Runtime
from app.store.records import request_keys
from app.web.api.caller import Caller
from app.web.api.problems import Wrong
from app.web.http.session import runtime_of

_LONGEST_KEY = 200
_PATIENCE_SECONDS, _LOOK_SECONDS = 5.0, 0.05
_FORGOTTEN_SECONDS = 300.0
_KEPT_HEADERS = ("location", "etag")
HEADER = Header(
    default=None,
    alias="Idempotency-Key",
    max_length=_LONGEST_KEY,
    pattern="^[!-~]([ -~]*[!-~])?$",
    description="Any text of your own for this one request; send it again with the same body to be sure it is done once.",
)


@dataclass(frozen=True, slots=True)
class _Place:
    scope: str
    key: str
    body_hash: str
    owner: str
    """Of this one request: who was taken for dead meanwhile frees nobody else's key."""


def once(request: Request, caller: Caller, work: Callable[[], Response], *, body: str | None = None) -> Response:
    """Do the work of a POST, or give the answer it had. `body`: what was sent, where that is not the request's own bytes.

    Raises KeyReused for another body, Wrong (409) while the first one is still at work.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return work()
    sent = body if body is not None else getattr(request, "_body", b"").decode("utf-8", "surrogateescape")
    where = f"{request.method} {request.url.path}?{request.url.query}"
    at = _Place(f"api:{caller.name}", key, digest(f"{where}\n{sent}"), new_token().hex)
    rt = runtime_of(request)
    if (before := _taken(rt, at)) is not None:
        return before
    try:
        response = work()
    except BaseException:
        rt.database.transact(lambda db: request_keys.give_back(db, at.scope, at.key, owner=at.owner))
        raise
    kept = {
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        "body": bytes(response.body).decode() or None,
    }
    rt.database.transact(lambda db: request_keys.answered(db, at.scope, at.key, kept, owner=at.owner))
    return response


def _taken(rt: Runtime, at: _Place) -> Response | None:
    """None once the key is ours; the answer given before, waited for if somebody is at it."""
    for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
        ours, answer = rt.database.transact(
            lambda db: request_keys.take(
                db, at.scope, at.key, at.body_hash, owner=at.owner, forgotten_seconds=_FORGOTTEN_SECONDS
            )
        )
        if ours:
            return None
        if answer is not None:
            kept = restore(answer)
            headers = {**kept["headers"], "Idempotency-Replayed": "true"}
            return Response(kept["body"], kept["status"], headers, media_type="application/json")
        threading.Event().wait(_LOOK_SECONDS)
    raise Wrong(
        HTTPStatus.CONFLICT,
        "the first request under this Idempotency-Key is still at work; ask again",
        {"Retry-After": "2"},
    )
