"""What a program is sent. The law: an answer is built from its declared model and has no other field; a list goes on by `next`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from app.web.http import cursors

LISTED, MOST = 50, 200


class Shape(BaseModel):
    """The model of an answer."""

    model_config = ConfigDict(extra="forbid")


_Shape = TypeVar("_Shape", bound=BaseModel)


def shaped(shape: type[_Shape], row: object, **more: Any) -> _Shape:
    """What a row, by its columns or by its attributes, says of the fields of a model."""
    given = row if isinstance(row, Mapping) else {n: getattr(row, n) for n in shape.model_fields if hasattr(row, n)}
    return shape.model_validate({n: v for n, v in {**given, **more}.items() if n in shape.model_fields})


def reply(
    answer: BaseModel | Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON, in ASCII so that nothing a stranger wrote is refused on its way."""
    plain = answer.model_dump() if isinstance(answer, BaseModel) else answer
    body = json.dumps(plain, default=_plain, sort_keys=True)
    return Response(body, status_code=status, headers=dict(headers or {}), media_type="application/json")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def listed(request: Request, items: Sequence[BaseModel], behind: Sequence[Sequence[Any]], limit: int) -> Response:
    """A page of a list that was asked for with one entry more. `behind`: each entry's place, for the cursor."""
    go_on = cursors.written(behind[limit - 1]) if len(items) > limit else None
    headers = {}
    if go_on:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        headers["Link"] = f'<{request.url.path}?{urlencode([*query, ("cursor", go_on)])}>; rel="next"'
    return reply({"items": [item.model_dump() for item in items[:limit]], "next": go_on}, headers=headers)


def etag(version: int) -> str:
    """A row's version as HTTP writes it."""
    return f'"{version}"'
