"""The administrator's page: who may sign in. It decides no claim and shows none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import BadInput, LonghaulError
from app.core.typed_amount import typed_amount
from app.humans import administer, people
from app.humans.people import Person
from app.humans.rights import ROLES, Right, require
from app.store import pages
from app.web.posting import Posted
from app.web.render import render
from app.web.session import Me, Rt

router = APIRouter()


@router.get("/people")
def list_people(request: Request, rt: Rt, me: Me) -> Response:
    """Everybody, and the forms to enrol, change and let in."""
    require(me, Right.ADMINISTER)
    return _page(request, rt)


@router.post("/people")
def enrol(posted: Posted, request: Request, rt: Rt, me: Me) -> Response:
    """Enrol somebody; the page shows the link that lets them in, once."""

    def work() -> str:
        name = posted.get("username", "").strip()
        person = Person(name, posted.get("display_name", "").strip(), _roles(posted), _amount(posted))
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
    by = f"person:{me.username}"
    return _done(
        request, rt, me,
        lambda: administer.change(rt, username, roles=_roles(posted), authority=_amount(posted), by=by),
    )  # fmt: skip


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
    require(me, Right.ADMINISTER)
    try:
        path = work()
    except LonghaulError as problem:
        return _page(request, rt, message=str(problem), typed=typed, status=422)
    return _page(request, rt, link=f"{request.url.scheme}://{request.url.netloc}{path}")


def _done(request: Request, rt: Rt, me: Person, work: Callable[[], object]) -> Response:
    require(me, Right.ADMINISTER)
    try:
        work()
    except LonghaulError as problem:
        return _page(request, rt, message=str(problem), status=422)
    return RedirectResponse("/people", status_code=303)


def _page(
    request: Request,
    rt: Rt,
    *,
    message: str = "",
    link: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    with pages.snapshot(rt.database) as db:
        everybody = people.directory(db)
    return render(
        request, "people.html", status=status, people=everybody, roles=ROLES, message=message, link=link,
        typed=typed or {},
    )  # fmt: skip


def _roles(posted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(role for role in ROLES if f"role.{role}" in posted)


def _amount(posted: Mapping[str, str]) -> Decimal:
    text = posted.get("authority", "").strip() or "0"
    try:
        return typed_amount(text, currency="USD")
    except BadInput as problem:
        raise BadInput(f"authority: {text!r} cannot be taken. {problem}") from None
