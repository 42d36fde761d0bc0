"""Templates to HTML. The law: every value is escaped; a character that could hide or reorder text shows as its code."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.web.http import clocks, flower_link, show
from app.web.http.guard import guard_headers
from app.web.http.posting import page_of
from app.web.http.session import csrf_token, keep_form_token, runtime_of

_TEMPLATES = Environment(
    loader=PackageLoader("app.web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=show.plain,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _filter in (
    show.address,
    show.alarm,
    show.amount,
    show.as_typed,
    show.brief,
    show.duration,
    show.look,
    show.long_text,
    show.pretty,
    show.short_ids,
    show.ticked,
    show.when,
    show.who,
    show.name,
    show.words,
):
    _TEMPLATES.filters[_filter.__name__] = _filter
_TEMPLATES.filters.update(clock=clocks.clock, roughly=clocks.roughly)
_TEMPLATES.tests["record"] = show.is_record


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Called after its transaction has ended."""
    person = getattr(request.state, "person", None)
    inspects = flower_link.is_shown(runtime_of(request).settings, person)
    response = bare(
        template,
        status=status,
        person=person,
        csrf=csrf_token(request),
        path=request.url.path,
        inspects=inspects,
        back=page_of(request) if request.method == "POST" else "",
        **values,
    )
    keep_form_token(request, response)
    return response


def bare(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for somebody who has no session and gets none."""
    text = _TEMPLATES.get_template(template).render(**values)
    response = HTMLResponse(text.encode("utf-8", "backslashreplace"), status_code=status)
    guard_headers(response.headers)
    return response
