"""Links for claimants, made and ended by whoever may invite. A link's secret is on one page, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.people import Person
from app.accounts.rights import Right, may
from app.core.errors import BadInput
from app.core.lifecycle import ENDED, Status
from app.core.workflow import Wait
from app.engine.runtime import Runtime
from app.insurance.claimant import claimant_links
from app.insurance.claimant.claimant_links import DAYS, MOST_DAYS
from app.insurance.claimant.view import asked_of
from app.insurance.intake import SIGNAL
from app.store.accounts import upload_links
from app.store.accounts.upload_links import ListedLink
from app.store.database import Connection
from app.store.reads import glance, pages
from app.store.reads.glance import RunDetail
from app.web.http.posting import Posted
from app.web.http.render import render
from app.web.http.session import Me, Rt

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """What the run page shows of a run's links. may_make: whether this person may make one, now."""

    listed: Sequence[ListedLink]
    may_make: bool
    may_end: bool
    days: float = DAYS
    most_days: float = MOST_DAYS


def links_of(db: Connection, rt: Runtime, run: RunDetail, me: Person) -> Links | None:
    """The links of a run; None for one of a workflow that takes no documents."""
    workflow = rt.workflows.find(run.workflow, run.workflow_version)
    listed = upload_links.of_run(db, run.id)
    takes = workflow is not None and any(isinstance(s, Wait) and s.event == SIGNAL for s in workflow.states)
    if not takes and not listed:
        return None
    invites = may(rt, me, Right.INVITE)
    return Links(listed=listed, may_make=takes and invites and Status(run.status) not in ENDED, may_end=invites)


@router.post("/runs/{run_id:uuid}/links")
def make(posted: Posted, request: Request, rt: Rt, me: Me, run_id: UUID) -> Response:
    """Make a link, and show it this once."""
    with pages.snapshot(rt.database) as db:
        asked, unread = asked_of(db, run_id)
    days = _days(posted.get("days", ""))
    made = claimant_links.make(rt, run_id, by=me.username, asks="\n".join([*asked, *unread]), days=days)
    with pages.snapshot(rt.database) as db:
        run = glance.read(db, run_id)
    base = rt.settings.public_url or str(request.base_url).rstrip("/")
    return render(request, "claimant/link.html", run=run, made=made, url=f"{base}/c/{made.token}", asked=asked)


@router.post("/runs/{run_id:uuid}/links/{link_id:uuid}/revoke")
def revoke(posted: Posted, rt: Rt, me: Me, run_id: UUID, link_id: UUID) -> Response:
    """End a link of this run at once."""
    claimant_links.revoke(rt, link_id, by=me.username, run_id=run_id)
    return RedirectResponse(f"/runs/{run_id}#links", status_code=303)


def _days(text: str) -> float:
    if not text.strip():
        return DAYS
    if not text.strip().isascii() or not text.strip().isdecimal() or len(text) > 3:
        raise BadInput(f"days: write a whole number of days, 1 to {MOST_DAYS:.0f}")
    return float(text)
