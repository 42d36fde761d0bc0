"""Parts of a page that a page left open asks for again. The law: reading again costs little when nothing has changed.

The answer carries the mark (ETag) of what it shows; asked with that mark, there is no answer but "not changed".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.core.canonical import digest
from app.web.http.guard import guard_headers
from app.web.http.render import render


def fragment(request: Request, template: str, *, of: Sequence[Any], **values: Any) -> Response:
    """A part of a page, known by `of`: everything that may change in it (a time to the minute, where it shows a clock)."""
    mark = f'"{digest(repr(list(of)))[:32]}"'
    if request.headers.get("if-none-match") == mark:
        unchanged = Response(status_code=304, headers={"ETag": mark})
        guard_headers(unchanged.headers)
        return unchanged
    response = render(request, template, **values)
    response.headers["ETag"] = mark
    return response
