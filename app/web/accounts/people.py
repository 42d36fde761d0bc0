"""The administrator's page: who may sign in. It decides no claim and shows none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts import administer
from app.accounts.people import Person
from app.accounts.rights import Right, require
from app.core.errors import BadInput, LonghaulError
from app.core.values.typed_amount import typed_amount
from app.engine.runtime import Runtime
from app.store.accounts import users
from app.store.reads import pages
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()
_FIELDS = ("username", "display_name", "roles", "authority")  # as they stand in the form


@router.get("/people")
def list_people(request: Request, rt: Rt, me: Me) -> Response:
    """Everybody, and the forms to enrol, change and let in."""
    require(rt, me, Right.ADMINISTER)
    return _page(request, rt)


@router.post("/people")
def enrol(posted: Posted, request: Request, rt: Rt, me: Me) -> Response:
    """Enrol somebody; the page shows the link that lets them in, once. All that does not fit is told at once."""
    require(rt, me, Right.ADMINISTER)
    name, wrong = posted.get("username", "").strip(), dict[str, str]()
    person = Person(name, posted.get("display_name", "").strip(), _roles(rt, posted), _amount(posted, wrong))
    if wrong := administer.unfit(rt, person) | wrong:
        return _page(request, rt, typed=posted, wrong=wrong, status=422)

    def work() -> str:
        administer.enrol(rt, person, by=f"person:{me.username}")
        return administer.link(rt, name, by=f"person:{me.username}")

    return _shown(request, rt, me, work, posted)


@router.post("/people/{username}/link")
def link(posted: Posted, request: Request, rt: Rt, me: Me, username: str) -> Response:
    """A new one-time link for somebody."""
    return _shown(request, rt, me, lambda: administer.link(rt, username, by=f"person:{me.username}"))


@router.post("/people/{username}/change")
def change(posted: Posted, request: Request, rt: Rt, me: Me, username: str) -> Response:
    """Other roles and authority."""
    require(rt, me, Right.ADMINISTER)
    by, wrong = f"person:{me.username}", dict[str, str]()
    roles, authority = _roles(rt, posted), _amount(posted, wrong)
    if wrong:
        return _page(request, rt, typed=posted, changing=username, wrong=wrong, status=422)
    return _done(
        request,
        rt,
        me,
        lambda: administer.change(rt, username, roles=roles, authority=authority, by=by),
        posted,
        username,
    )


@router.post("/people/{username}/shut-out")
def shut_out(posted: Posted, request: Request, rt: Rt, me: Me, username: str) -> Response:
    """End somebody's sessions and let them in no more."""
    return _done(request, rt, me, lambda: administer.shut_out(rt, username, by=f"person:{me.username}"))


@router.post("/people/{username}/let-in")
def let_in(posted: Posted, request: Request, rt: Rt, me: Me, username: str) -> Response:
    """Take a shutting out back."""
    return _done(request, rt, me, lambda: administer.let_in(rt, username, by=f"person:{me.username}"))


def _shown(
    request: Request, rt: Rt, me: Person, work: Callable[[], str], typed: Mapping[str, str] | None = None
) -> Response:
    """Do it and show the link it gave: here and now, because it is never shown again."""
    require(rt, me, Right.ADMINISTER)
    try:
        path = work()
    except LonghaulError as problem:
        return _page(request, rt, message=str(problem), typed=typed, status=422)
    return _page(request, rt, link=f"{request.url.scheme}://{request.url.netloc}{path}")


def _done(
    request: Request,
    rt: Rt,
    me: Person,
    work: Callable[[], object],
    typed: Mapping[str, str] | None = None,
    changing: str = "",
) -> Response:
    require(rt, me, Right.ADMINISTER)
    try:
        work()
    except LonghaulError as problem:
        return _page(request, rt, message=str(problem), typed=typed, changing=changing, status=422)
    return RedirectResponse("/people", status_code=303)


def _page(
    request: Request,
    rt: Rt,
    *,
    message: str = "",
    link: str = "",
    typed: Mapping[str, str] | None = None,
    changing: str = "",
    wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """typed: what was sent, given back in the form of `changing`, or in the one that enrols; wrong: field -> problem."""
    with pages.snapshot(rt.database) as db:
        everybody = users.everyone(db)
    wrong = wrong or {}
    return render(
        request,
        "accounts/people.html",
        status=status,
        people=everybody,
        roles=rt.roles.names,
        message=message,
        link=link,
        typed=typed,
        changing=changing,
        wrong=wrong,
        first_wrong=next((f for f in _FIELDS if f in wrong), None),
    )


def _roles(rt: Runtime, posted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(role for role in rt.roles.names if f"role.{role}" in posted)


def _amount(posted: Mapping[str, str], wrong: dict[str, str]) -> Decimal:
    """The authority that was typed; zero, and what is wrong with it, if it cannot be taken."""
    text = posted.get("authority", "").strip() or "0"
    try:
        return typed_amount(text, currency="USD")
    except BadInput as problem:
        wrong["authority"] = f"{text[:80]!r} cannot be taken. {problem}"
        return Decimal(0)
