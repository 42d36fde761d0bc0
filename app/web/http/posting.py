"""What a form sends. The law: nothing is changed but by a POST from our own page, carrying the session's own token.

`Sec-Fetch-Site` says where a request comes from and cannot be forged by a page. Where a browser does not send it, the
`Origin` must be ours; our pages send no referrer, which makes browsers write "null" there, and then the token decides.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.core.errors import BadInput, LonghaulError
from app.web.http.session import csrf_token

_BELOW = re.compile(r"/(?:tasks|runs)/[0-9a-f-]{36}|/[a-z-]+")

_MAX_BYTES = 1024 * 1024
_MAX_FIELDS = 500


class NotOurForm(LonghaulError):
    """A POST that does not come from a form of this session."""


class OldForm(NotOurForm):
    """A form of a session that has ended. What was typed into it is given back."""


async def posted_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, newlines as `\\n`. Ask for it first: whatever fails later then gives the text back.

    Raises NotOurForm, or BadInput for what is no form or too large.
    """
    fields = await _fields(request)
    request.state.posted = fields
    refuse_foreign(request)
    expected = await run_in_threadpool(csrf_token, request)
    if not secrets.compare_digest(fields.get("csrf", "").encode(), expected.encode()):
        raise OldForm(
            "this form belongs to another session, or the session has ended: nothing was recorded. Go on below, and send it anew"
        )
    return fields


Posted = Annotated[Mapping[str, str], Depends(posted_form)]


def page_of(request: Request) -> str:
    """The page whose form was sent to this address: where a browser's Back and a sign-in lead."""
    path = request.url.path
    found = _BELOW.match(path)
    if path.startswith("/sign-in"):
        query = urlencode({"next": getattr(request.state, "posted", {}).get("next", "/")})
        return path if "/link/" in path else f"/sign-in?{query}"
    return found[0] if found and not path.startswith("/sign-out") else "/"


def refuse_foreign(request: Request) -> None:
    """Raise NotOurForm for a request another site made."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise NotOurForm("this request was made by another site; open the page here and send the form yourself")


async def _fields(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise BadInput("send a form: the content type must be application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise BadInput("the form is larger than 1 MB; send large content as a document")
    try:
        pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadInput(f"the form has more than {_MAX_FIELDS} fields") from None
    return {name: value.replace("\r\n", "\n") for name, value in pairs}
