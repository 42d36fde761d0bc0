"""What an operator does to runs, from their pages: one run, or all of a kind of dead letter. Each asks for a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.errors import BadInput, NotFound, Refused
from app.engine import bulk
from app.humans.people import Person
from app.humans.rights import Right, may, require
from app.store import letters, pages, runs
from app.store.database import Connection
from app.web.posting import Posted
from app.web.render import render
from app.web.session import Me, Rt

router = APIRouter()

SAYS: Mapping[str, tuple[str, str]] = {
    "retry": ("Retry", "Try the step again with fresh attempts; its completed calls are not repeated."),
    "redrive": ("Redrive", "Run the step again; its completed calls are not repeated."),
    "resume": ("Resume", "Let it go on from where it was paused."),
    "pause": ("Pause", "Hold it: at once if it is ready, else where it would next be."),
    "fail": ("Give up", "End it as FAILED, for good."),
    "cancel": ("Cancel", "End it and its children as CANCELLED, for good; its open tasks close."),
}
FINAL = ("fail", "cancel")


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What the run page offers: the verbs that are possible now, and why the others are not. `may`: this person may use them."""

    verbs: Sequence[str]
    refused: Mapping[str, str]
    may: bool
    says: Mapping[str, tuple[str, str]]


def panel(db: Connection, run_id: UUID, me: Person) -> Panel:
    """The operations of a run as it stands."""
    run = runs.read(db, run_id)
    answers = bulk.possible(run) if run else {}
    return Panel(
        verbs=[verb for verb in SAYS if answers.get(verb, "") is None],
        refused={verb: why for verb in SAYS if (why := answers.get(verb)) is not None},
        may=may(me, Right.OPERATE),
        says=SAYS,
    )


@router.post("/runs/{run_id:uuid}/operations")
def operate(posted: Posted, rt: Rt, me: Me, run_id: UUID) -> Response:
    """One verb on one run. Raises Refused where the run stands otherwise by now."""
    require(me, Right.OPERATE)
    verb, reason = posted.get("verb", ""), posted.get("reason", "")
    (done,) = bulk.apply(rt, verb, [run_id], actor=f"person:{me.username}", reason=reason)
    if not done.status:
        raise NotFound(done.refusal or f"there is no run {run_id}")
    if done.refusal:
        raise Refused(done.refusal)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


@router.get("/dead-letters")
def dead_letters(request: Request, rt: Rt, me: Me) -> Response:
    """Runs nobody can continue, grouped by what went wrong."""
    return _page(request, rt, me)


@router.post("/dead-letters")
def triage(posted: Posted, request: Request, rt: Rt, me: Me) -> Response:
    """One verb on the runs that are ticked; first a trial that says what would become of each, then for good."""
    require(me, Right.OPERATE)
    chosen = [_uuid(name.removeprefix("run.")) for name in posted if name.startswith("run.")]
    verb, trial = posted.get("verb", ""), posted.get("for_good") != "yes"
    outcomes: Sequence[bulk.Outcome] = ()
    message = "" if chosen else "No run is ticked; tick those you mean."
    try:
        if chosen:
            reason = posted.get("reason", "")
            outcomes = bulk.apply(rt, verb, chosen, actor=f"person:{me.username}", reason=reason, dry_run=trial)
    except BadInput as problem:
        message = f"Nothing was done: {problem}."
    return _page(request, rt, me, posted=posted, outcomes=outcomes, trial=trial, message=message)


def _page(
    request: Request, rt: Rt, me: Person, *, posted: Mapping[str, str] | None = None,
    outcomes: Sequence[bulk.Outcome] = (), trial: bool = True, message: str = "",
) -> Response:  # fmt: skip
    with pages.snapshot(rt.database) as db:
        found, now = letters.standing(db), pages.now(db)
    groups: dict[str, list[Any]] = {}
    for letter in found:
        groups.setdefault(letter["fingerprint"], []).append(letter)
    return render(
        request, "dead_letters.html", status=422 if message else 200, groups=list(groups.values()), now=now,
        most=letters.MOST, shown=len(found), outcomes=outcomes, trial=trial, message=message, typed=posted or {},
        may_operate=may(me, Right.OPERATE), says=SAYS,
    )  # fmt: skip


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("run: the form is damaged; open the page again") from None
