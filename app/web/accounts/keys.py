"""API keys as people see to them: their own, made and ended; an administrator ends anybody's.

The law: whoever makes a key proves that they are there, as for a new password; what it is sent as is shown once, on the page
that answers the form, and never again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts import keys
from app.accounts.keys import SCOPES, Created
from app.accounts.passwords import WrongPassword
from app.accounts.people import Person
from app.accounts.rights import Right, may
from app.accounts.sessions import Session
from app.accounts.throttle import TooOften
from app.core.errors import BadInput, NotEntitled, NotFound
from app.engine.runtime import Runtime
from app.store.accounts.api_keys import ApiKey
from app.web.accounts.account import prove
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Me, Rt, Signed

router = APIRouter()
USUAL_DAYS = 90
_DOES: Mapping[str, str] = {
    "read": "look at runs, tasks, documents and alerts",
    "submit": "send in claims and documents",
    "work": "take, comment and answer human tasks",
    "operate": "retry, redrive, pause, cancel and fork runs, send signals",
    "export": "take evidence packs and lists along",
    "admin": "what administrators do",
}


@router.get("/keys")
def show_keys(request: Request, rt: Rt, session: Signed) -> Response:
    """One's own keys; for an administrator everybody's."""
    return _page(request, rt, session)


@router.post("/keys")
def make_key(posted: Posted, request: Request, rt: Rt, session: Signed) -> Response:
    """Make a key for oneself; the answer shows it, once."""
    scopes = [scope for scope in SCOPES if posted.get(f"scope.{scope}") == "yes"]
    me = session.person.username
    try:
        days = _days(posted.get("days", ""))
        prove(request, rt, session, posted.get("old", ""))
        made = keys.create(rt, me, name=posted.get("name", ""), scopes=scopes, days=days, by=f"person:{me}")
    except (BadInput, WrongPassword, TooOften) as problem:
        status = 422 if isinstance(problem, BadInput) else 403
        return _page(request, rt, session, message=f"No key was made: {problem}.", typed=posted, status=status)
    return _page(request, rt, session, made=made)


@router.post("/keys/{key_id:uuid}/revoke")
def revoke_key(posted: Posted, rt: Rt, me: Me, key_id: UUID) -> Response:
    """End a key at once. Raises NotFound, or NotEntitled for somebody else's key."""
    key = next((one for one in keys.listed(rt) if one.id == key_id), None)
    if key is None:
        raise NotFound(f"there is no key {key_id}")
    if key.username != me.username and not may(rt, me, Right.ADMINISTER):
        raise NotEntitled("this is somebody else's key; they end it themselves, or an administrator does")
    keys.revoke(rt, key_id, by=f"person:{me.username}")
    return RedirectResponse("/keys", status_code=303)


def _days(text: str) -> float:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= keys.MOST_DAYS):
        raise BadInput(f"days: write for how many days it is to last, 1 to {keys.MOST_DAYS:.0f}")
    return float(text)


def _page(
    request: Request,
    rt: Runtime,
    session: Session,
    *,
    made: Created | None = None,
    message: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    person = session.person
    return render(
        request,
        "accounts/keys.html",
        status=status,
        session=session,
        keys=_seen_by(rt, person),
        made=made,
        message=message,
        typed=typed or {},
        scopes={scope: _DOES[scope] for scope in SCOPES},
        most=round(keys.MOST_DAYS),
        usual=USUAL_DAYS,
        all=may(rt, person, Right.ADMINISTER),
    )


def _seen_by(rt: Runtime, person: Person) -> Sequence[ApiKey]:
    return keys.listed(rt, None if may(rt, person, Right.ADMINISTER) else person.username)
