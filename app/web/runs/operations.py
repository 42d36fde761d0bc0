"""What an operator does to runs, from their pages: one run, or all of a kind that stopped. Each asks for a reason.

The law: what ends a run for good is asked for twice. One run is ended from a page that says what it means, many after a trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.people import Person
from app.accounts.rights import Right, may, require
from app.core.errors import BadInput, NotFound, Refused
from app.core.lifecycle import ENDED, Status
from app.engine.control import bulk
from app.engine.runtime import Runtime
from app.engine.step.persons import fingerprint
from app.store import clock
from app.store.database import Connection
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.store.reads import dead_letters, glance, pages, run_list
from app.store.reads.dead_letters import StoppedRun
from app.store.runs import runs
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Me, Rt

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
CONFIRMED = "confirmed"
_CHILDREN = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What the run page offers: the verbs that are possible now, and why the others are not. `may`: this person may use them."""

    verbs: Sequence[str]
    refused: Mapping[str, str]
    may: bool
    says: Mapping[str, tuple[str, str]]


def panel(db: Connection, rt: Runtime, run_id: UUID, me: Person) -> Panel:
    """The operations of a run as it stands."""
    run = runs.read(db, run_id)
    answers = bulk.possible(run) if run else {}
    return Panel(
        verbs=[verb for verb in SAYS if answers.get(verb, "") is None],
        refused={verb: why for verb in SAYS if (why := answers.get(verb)) is not None},
        may=may(rt, me, Right.OPERATE),
        says=SAYS,
    )


@router.post("/runs/{run_id:uuid}/operations")
def operate(posted: Posted, request: Request, rt: Rt, me: Me, run_id: UUID) -> Response:
    """One verb on one run; one that ends it is first shown with what it means. Raises Refused where the run stands otherwise by now."""
    require(rt, me, Right.OPERATE)
    verb, reason = posted.get("verb", ""), posted.get("reason", "")
    asks_again = verb in FINAL and posted.get(CONFIRMED) != "yes"
    (done,) = bulk.apply(rt, verb, [run_id], actor=f"person:{me.username}", reason=reason, dry_run=asks_again)
    if not done.status:
        raise NotFound(done.refusal or f"there is no run {run_id}")
    if done.refusal:
        raise Refused(done.refusal)
    if asks_again:
        return _ask_again(request, rt, run_id, verb, reason)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


def _ask_again(request: Request, rt: Runtime, run_id: UUID, verb: str, reason: str) -> Response:
    with pages.snapshot(rt.database) as db:
        run = glance.read(db, run_id)
        tasks = task_list.page(db, TaskFilter(run=run_id))
        children = [
            child for child in run_list.children(db, run_id, limit=_CHILDREN) if Status(child.status) not in ENDED
        ]
    return render(
        request,
        "http/confirm.html",
        run=run,
        verb=verb,
        reason=reason,
        says=SAYS[verb],
        tasks=tasks,
        children=children if verb == "cancel" else [],
        confirmed=CONFIRMED,
    )


@router.get("/dead-letters")
def show_dead_letters(request: Request, rt: Rt, me: Me) -> Response:
    """Runs that stopped, grouped by what went wrong: dead letters, then those that used up their tries."""
    return _page(request, rt, me)


@router.post("/dead-letters")
def triage(posted: Posted, request: Request, rt: Rt, me: Me) -> Response:
    """One verb on the runs that are ticked, or on one or the rest of a kind; first a preview, then for good."""
    require(rt, me, Right.OPERATE)
    chosen = [_uuid(name.removeprefix("run.")) for name in posted if name.startswith("run.")]
    verb, trial = posted.get("verb", ""), posted.get("for_good") != "yes"
    verb, _, of_kind = verb.partition(".")
    outcomes: Sequence[bulk.Outcome] = ()
    message = "" if chosen or of_kind else "No run is ticked; tick those you mean."
    try:
        if of_kind:
            which, _, alike = of_kind.partition(".")
            chosen = bulk.of_a_kind(rt, verb, alike, the_rest=which == "rest")
        if chosen:
            reason = posted.get("reason", "")
            outcomes = bulk.apply(rt, verb, chosen, actor=f"person:{me.username}", reason=reason, dry_run=trial)
    except (BadInput, Refused, NotFound) as problem:
        message = f"Nothing was done: {problem}."
    return _page(request, rt, me, posted=posted, verb=verb, outcomes=outcomes, trial=trial, message=message)


def _page(
    request: Request,
    rt: Rt,
    me: Person,
    *,
    posted: Mapping[str, str] | None = None,
    outcomes: Sequence[bulk.Outcome] = (),
    trial: bool = True,
    message: str = "",
    verb: str = "",
) -> Response:
    with pages.snapshot(rt.database) as db:
        dead, tired, now = dead_letters.standing(db), dead_letters.out_of_tries(db), clock.now(db)
    tired = [replace(run, fingerprint=fingerprint(run.workflow, run.state, run.reason)) for run in tired]
    return render(
        request,
        "runs/dead_letters.html",
        status=422 if message else 200,
        now=now,
        most=dead_letters.MOST,
        kinds=[("redrive", _by_kind(dead)), ("retry", _by_kind(tired))],
        cut=dead_letters.MOST in (len(dead), len(tired)),
        outcomes=outcomes,
        trial=trial,
        message=message,
        typed={**(posted or {}), "verb": verb},
        says=SAYS,
        may_operate=may(rt, me, Right.OPERATE),
    )


def _by_kind(stopped: Sequence[StoppedRun]) -> list[list[StoppedRun]]:
    groups: dict[str | None, list[StoppedRun]] = {}
    for run in stopped:
        groups.setdefault(run.fingerprint, []).append(run)
    return list(groups.values())


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("run: the form is damaged; open the page again") from None
