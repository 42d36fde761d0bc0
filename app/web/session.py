"""Who is asking. The law: the signed cookie names a person; what they may do is read from the database each time."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.core.errors import BadInput, NotFound
from app.engine.runtime import Runtime
from app.humans import people
from app.humans.people import Person
from app.settings import Settings
from app.store import pages

LASTS_SECONDS = 12 * 3600
_SHORTEST_SECRET = 16  # characters


class SignInNeeded(Exception):
    """Nobody is signed in; the answer is the sign-in page."""


def secret(settings: Settings) -> str:
    """What signs the cookie: the setting, else a secret made once per data folder and readable by its owner alone."""
    if settings.session_secret:
        if len(settings.session_secret) < _SHORTEST_SECRET:
            raise BadInput(f"LONGHAUL_SESSION_SECRET must have at least {_SHORTEST_SECRET} characters, or be empty")
        return settings.session_secret
    place = settings.data_dir / "web.secret"
    if not place.exists():
        _make_secret(place)
    return place.read_text(encoding="ascii").strip()


def _make_secret(place: Path) -> None:
    """Write it whole under another name, then link: of two processes that start at once, both read the same one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    with suppress(FileExistsError):
        os.link(draft, place)
    draft.unlink()


def csrf_token(request: Request) -> str:
    """The session's own token, made when first asked for."""
    session = request.scope.get("session", {})
    token: str = session.setdefault("csrf", secrets.token_urlsafe(24))
    return token


def begin(request: Request, person: Person) -> None:
    """Sign a person in: nothing of the session before survives, its token neither."""
    request.session.clear()
    request.session["username"] = person.username
    csrf_token(request)


def runtime_of(request: Request) -> Runtime:
    """The runtime the application was made over."""
    rt: Runtime = request.app.state.rt
    return rt


Rt = Annotated[Runtime, Depends(runtime_of)]


def signed_in(request: Request, rt: Rt) -> Person:
    """Who is signed in, as the database knows them now. Raises SignInNeeded."""
    username = request.session.get("username")
    if username is None:
        raise SignInNeeded
    try:
        with pages.snapshot(rt.database) as db:
            person = people.find(db, username)
    except NotFound:
        request.session.clear()
        raise SignInNeeded from None
    request.state.person = person
    return person


Me = Annotated[Person, Depends(signed_in)]
