"""Messages that were refused: what, where, why, how many, and what they said; for whoever may look at the machinery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.rights import Right, require
from app.engine.process import refusals
from app.store import clock
from app.store.reads import pages
from app.store.records import refused
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()
_WORDS = ("workflow", "task", "subject", "key", "id", "data")  # of what a message said, what tells most first


@router.get("/refused")
def messages(request: Request, rt: Rt, me: Me) -> Response:
    """The kinds of refused messages by the kind of queue they lay in, the last seen first. Raises NotEntitled."""
    require(rt, me, Right.INSPECT)
    with pages.snapshot(rt.database) as db:
        now, kinds = clock.now(db), refused.standing(db)
    return render(
        request,
        "overview/refused.html",
        now=now,
        places=_by_place(kinds),
        most=refused.MOST_KINDS,
        others=refused.OTHERS,
        unknown=refusals.UNKNOWN,
        recent=refused.SPELL_SECONDS,
        words=_WORDS,
    )


def _by_place(kinds: Sequence[refused.Standing]) -> dict[str, list[refused.Standing]]:
    places: dict[str, list[refused.Standing]] = {}
    for kind in kinds:
        said = [{word: sample.get(word, "") for word in _WORDS} for sample in kind.samples if sample]
        places.setdefault(refusals.place(kind.queue), []).append(replace(kind, samples=said))
    return places
