"""Who is asking. The law: a key may do what its scopes say and its person may; a browser's session may do what its person may,
and changes something only by a request of our own pages that carries the session's token.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.accounts import keys
from app.accounts.keys import SCOPES
from app.accounts.people import Person
from app.accounts.rights import Right, require
from app.accounts.sessions import Session
from app.core.errors import NotEntitled
from app.web.api.problems import Wrong
from app.web.http import session as sessions
from app.web.http.posting import NotOurForm, refuse_foreign

CSRF_HEADER = "X-CSRF-Token"
REQUESTS, WINDOW_SECONDS = 600, 60.0
"""How often one caller may ask."""
_SAFE = ("GET", "HEAD")
_MOST_CALLERS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who asks. `session` is None for a key."""

    name: str
    person: Person
    scopes: frozenset[str]
    session: Session | None = None

    @property
    def actor(self) -> str:
        """As the journal keeps it."""
        return f"person:{self.person.username}"


class Rates:
    """How many requests each caller made in the present window, in this process."""

    def __init__(self, most: int = REQUESTS, window_seconds: float = WINDOW_SECONDS) -> None:
        self.most, self._window = most, window_seconds
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, int]] = {}

    def count(self, who: str) -> tuple[int, int]:
        """Count a request: (how many are left, below 0 if it is one too many; seconds until the window ends)."""
        now = time.monotonic()
        with self._lock:
            if len(self._made) > _MOST_CALLERS:
                self._made = {name: kept for name, kept in self._made.items() if kept[0] > now}
            ends, made = self._made.get(who, (0.0, 0))
            if ends <= now:
                ends, made = now + self._window, 0
            self._made[who] = ends, made + 1
        return self.most - made - 1, max(1, round(ends - now))


def caller_of(request: Request) -> Caller:
    """Who asks. Raises Wrong (401, 429) or NotOurForm."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    caller = _by_key(request, sent.strip()) if kind.lower() == "bearer" else _by_session(request)
    rates: Rates = request.app.state.rates
    left, ends = rates.count(caller.name)
    request.state.rate = {
        "RateLimit-Limit": str(rates.most),
        "RateLimit-Remaining": str(max(0, left)),
        "RateLimit-Reset": str(ends),
    }
    if left < 0:
        raise Wrong(429, f"more than {rates.most} requests; go on in {ends} s", {"Retry-After": str(ends)})
    return caller


def _by_key(request: Request, sent: str) -> Caller:
    key = keys.find(sessions.runtime_of(request), sent)
    if key is None:
        said = "this key lets nobody in: it is unknown, expired or revoked; `longhaul keys create` makes a new one"
        raise Wrong(401, said, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return Caller(name=f"key:{key.id}", person=key.person, scopes=key.scopes)


def _by_session(request: Request) -> Caller:
    found = sessions.current(request)
    if found is None:
        raise Wrong(
            401, "send a key as `Authorization: Bearer lh_…`, or sign in in a browser", {"WWW-Authenticate": "Bearer"}
        )
    if request.method not in _SAFE:
        refuse_foreign(request)
        if not secrets.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), found.csrf.encode()):
            raise NotOurForm(f"{CSRF_HEADER}: send the session's own token, as every form of our pages holds it")
    return Caller(name=f"person:{found.person.username}", person=found.person, scopes=frozenset(SCOPES), session=found)


_RIGHTS: Mapping[str, Right | None] = {
    "read": Right.READ,
    "submit": Right.SUBMIT,
    "work": None,
    "operate": Right.OPERATE,
    "export": Right.EXPORT,
    "admin": Right.ADMINISTER,
}


def allowed(scope: str) -> Callable[[Request], Caller]:
    """A dependency: who asks, if they may use this scope. Raises NotEntitled."""

    def check(request: Request) -> Caller:
        caller = caller_of(request)
        if scope not in caller.scopes:
            has = ", ".join(sorted(caller.scopes))
            raise NotEntitled(f"this needs a key with the scope {scope}; this one has {has}")
        if (right := _RIGHTS[scope]) is not None:
            require(sessions.runtime_of(request), caller.person, right)
        return caller

    return check


Reader = Annotated[Caller, Depends(allowed("read"))]
Submitter = Annotated[Caller, Depends(allowed("submit"))]
Worker = Annotated[Caller, Depends(allowed("work"))]
Operator = Annotated[Caller, Depends(allowed("operate"))]
Exporter = Annotated[Caller, Depends(allowed("export"))]
