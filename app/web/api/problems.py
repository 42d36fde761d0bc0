"""What a program is told when it gets no answer: a problem document (RFC 9457), never a page. `errors` names each field."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from app.core.errors import (
    BadInput,
    LonghaulError,
    NotCanonical,
    NotEntitled,
    NotFound,
    Refused,
    Stale,
    StoreUnavailable,
)
from app.store.database import RETRYABLE, is_gone
from app.web.http.posting import NotOurForm
from app.web.http.receiving import TooMuch

_LOGGER = logging.getLogger("longhaul")
_TIMED_OUT = "57014"  # a statement that took longer than its session allows
_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
_NAMED_FIELD = re.compile(r"([A-Za-z_][\w.\[\]-]{0,80}): (.+)", re.DOTALL)


class Wrong(LonghaulError):
    """A refusal whose status says more than its class: 401, 412, 413, 415, 428, 429."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, dict(headers or {})


class WrongField(BaseModel):
    """A field that is wrong, and how."""

    model_config = ConfigDict(extra="forbid")
    field: str
    detail: str


class Problem(BaseModel):
    """A problem document. `type` is where the reference says what to do about it."""

    model_config = ConfigDict(extra="forbid")
    type: str
    title: str
    status: int
    detail: str
    errors: list[WrongField] = []


SAYS: Mapping[int, str] = {
    400: "What was sent cannot be read at all, such as a body that is no JSON.",
    401: "No key, or one that lets in no more. Send Authorization: Bearer lh_…, or sign in in a browser.",
    403: "The key's scopes, or its person's roles, do not allow this; or a person must do it in their browser.",
    404: "There is no such thing.",
    405: "The address exists and does not take this method; Allow says which it takes.",
    409: "Well-formed, but not possible as things stand now. Also: a claim, signal or Idempotency-Key that came before with other content.",
    412: "If-Match names a version that is past: read the task again.",
    413: "More was sent than is taken; the detail says how much that is.",
    415: "The body is of another type than this address reads.",
    422: "A field is wrong; `errors` says which and how.",
    428: "Send If-Match with the ETag of the task as you read it.",
    429: "Too many requests by this caller; Retry-After says when to go on.",
    500: "A fault of ours; the log of the web process says what.",
    503: "The database does not answer or is busy. Try again after Retry-After, with the same Idempotency-Key.",
}

_STATUS: tuple[tuple[type[LonghaulError], int], ...] = (
    (NotOurForm, 403),
    (NotEntitled, 403),
    (Stale, 412),
    (Refused, 409),
    (TooMuch, 413),
    (NotCanonical, 400),
    (BadInput, 422),
    (NotFound, 404),
    (StoreUnavailable, 503),
)


def title_of(status: int) -> str:
    """The status in words."""
    return HTTPStatus(status).phrase


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document."""
    said = Problem(
        type=f"/api#problem-{status}",
        title=title_of(status),
        status=status,
        detail=detail,
        errors=[WrongField(field=field, detail=text) for field, text in errors],
    )
    more = dict(getattr(request.state, "rate", {})) | dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", "2")
    body = json.dumps(said.model_dump())
    return Response(body, status_code=status, headers=more, media_type="application/problem+json")


def of_http(request: Request, wrong: Exception) -> Response:
    """What the router refuses."""
    assert isinstance(wrong, HTTPException)
    detail = {
        404: "There is no such address. /api lists those there are.",
        405: "This address does not take such a request; Allow says which it takes.",
    }.get(wrong.status_code, str(wrong.detail))
    headers = {"Allow": allowed(request)} if wrong.status_code == HTTPStatus.METHOD_NOT_ALLOWED else wrong.headers
    return problem(request, wrong.status_code, detail, headers=headers)


def allowed(request: Request) -> str:
    """What the address takes. The router tells only of the first of its routes; each of ours has one method."""
    found = {
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    }
    return ", ".join(sorted(found))


def of_request(request: Request, wrong: Exception) -> Response:
    """A body or a parameter that does not fit."""
    assert isinstance(wrong, RequestValidationError)
    found = wrong.errors()
    if any(error["type"] == "json_invalid" for error in found):
        return problem(request, 400, "the body is not valid JSON")
    errors = [(".".join(map(str, error["loc"][1:])) or str(error["loc"][0]), str(error["msg"])) for error in found[:20]]
    detail = "; ".join(f"{field}: {text}" for field, text in errors[:3])
    return problem(request, 422, detail, errors=errors)


def of_ours(request: Request, wrong: Exception) -> Response:
    """What Longhaul raises on purpose: its message says what is wrong and what to do."""
    if isinstance(wrong, Wrong):
        return problem(request, wrong.status, str(wrong), headers=wrong.headers)
    status = next((status for kind, status in _STATUS if isinstance(wrong, kind)), 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOGGER.error("a request failed", exc_info=wrong)
    named = _NAMED_FIELD.fullmatch(str(wrong)) if status == HTTPStatus.UNPROCESSABLE_ENTITY else None
    return problem(request, status, str(wrong), errors=[(named[1], named[2])] if named else ())


def of_database(request: Request, wrong: Exception) -> Response:
    """An absent server, a busy one, or a fault of ours."""
    state = getattr(wrong, "sqlstate", None)
    if is_gone(wrong):
        return problem(request, 503, "the database does not answer; try again with the same Idempotency-Key")
    if state == _TIMED_OUT or state in RETRYABLE:
        return problem(request, 503, "the database is busy and gave up on this request; nothing was changed")
    return of_nobody(request, wrong)


def of_nobody(request: Request, wrong: Exception) -> Response:
    """A fault of ours."""
    _LOGGER.error("a request failed", exc_info=wrong)
    return problem(request, 500, "something went wrong on our side; the log of the web process says what")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How the problems of an operation stand in its description, each with an example."""
    return {
        status: {
            "description": SAYS[status],
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": Problem(
                        type=f"/api#problem-{status}",
                        title=title_of(status),
                        status=status,
                        detail=SAYS[status],
                        errors=[WrongField(field="reason", detail="Field required")] if status == 422 else [],
                    ).model_dump(),
                }
            },
        }
        for status in sorted(statuses)
    }
