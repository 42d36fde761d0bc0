"""Templates to HTML. The law: every value is escaped; a character that could hide or reorder text shows as its code."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.accounts.rights import Right, may
from app.application import named
from app.settings import settings
from app.web.http import clocks, flower_link, show
from app.web.http.guard import guard_headers
from app.web.http.posting import page_of
from app.web.http.session import csrf_token, keep_form_token, runtime_of

_FILTERS = (
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
    clocks.clock,
    clocks.roughly,
)


@lru_cache(maxsize=4)
def _templates(application: str) -> Environment:
    """Our templates, then those of the application that the settings name."""
    folders = ("app.web", *named(application).templates)
    made = Environment(
        loader=ChoiceLoader([PackageLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=show.plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {of_value.__name__: of_value for of_value in _FILTERS}
    made.tests["record"] = show.is_record
    return made


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Called after its transaction has ended."""
    person = getattr(request.state, "person", None)
    rt = runtime_of(request)
    response = bare(
        template,
        status=status,
        person=person,
        csrf=csrf_token(request),
        path=request.url.path,
        inspects=flower_link.is_shown(rt, person),
        administers=person is not None and may(rt, person, Right.ADMINISTER),
        back=page_of(request) if request.method == "POST" else "",
        **values,
    )
    keep_form_token(request, response)
    return response


def bare(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for somebody who has no session and gets none."""
    text = _templates(settings().application).get_template(template).render(**values)
    response = HTMLResponse(text.encode("utf-8", "backslashreplace"), status_code=status)
    guard_headers(response.headers)
    return response
