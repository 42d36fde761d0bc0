"""One run: where it stands and why, the way it took, its time, and all that belongs to it; now, or at any moment before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.people import Person
from app.accounts.rights import Right, may
from app.application import installed
from app.core.errors import BadInput, NotFound
from app.core.lifecycle import SPENT_AS, SpentAs, Status
from app.diagnosis.explain import explain
from app.engine.runtime import Runtime
from app.store import clock
from app.store.database import Connection
from app.store.human_tasks import task_list
from app.store.human_tasks.task_list import TaskFilter
from app.store.ledger import actions, effects
from app.store.reads import alert_list, finding, glance, history, pages, run_list, situation, timeline
from app.store.reads.glance import RunDetail
from app.store.reads.history import Moment
from app.store.reads.timeline import Entry, Place
from app.store.records.documents import documents_of
from app.store.runs import runs
from app.web.http import cursors
from app.web.http.flower_link import task_address
from app.web.http.render import render
from app.web.http.session import Me, Rt
from app.web.human_tasks.sight import in_order
from app.web.runs import bars
from app.web.runs.forking import fork_panel
from app.web.runs.operations import panel
from app.web.runs.strip import strip

router = APIRouter()
_ENTRIES = 200  # of the timeline, on one page
_STANDINGS = 400  # of the bars: the newest
_CHILDREN = 200
_TIMES: Mapping[SpentAs, str] = {
    SpentAs.RUNNING: "worked",
    SpentAs.QUEUE: "queued",
    SpentAs.PERSON: "people",
    SpentAs.SIGNAL: "waited",
    SpentAs.BACKOFF: "waited",
    SpentAs.CHILDREN: "waited",
    SpentAs.STOPPED: "stopped",
}


@router.get("/runs/{run_id:uuid}")
def show_run(
    request: Request,
    rt: Rt,
    me: Me,
    run_id: UUID,
    after: str = "",
    at: str = "",
    kind: str = "",
    failed: str = "",
    text: str = "",
) -> Response:
    """One run, as it is or as it stood at `at` (a moment, or the number of a transition), and a page of its timeline."""
    place = _place(after)
    if kind and kind not in timeline.KINDS:
        raise BadInput(f"kind: {kind!r} is none; the kinds are {', '.join(timeline.KINDS)}")
    with pages.snapshot(rt.database) as db:
        run = glance.read(db, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id}")
        moment = _moment(db, run, at)
        until = moment.at if moment else None
        wanted = timeline.EntryFilter(kinds=(kind,) if kind else (), failed=bool(failed), text=text, until=until)
        entries = timeline.page(db, run_id, wanted, limit=_ENTRIES + 1, after=place)
        shown = _shown(rt, db, run, moment, me)
    narrowed = {
        name: value for name, value in {"at": at, "kind": kind, "failed": failed, "text": text}.items() if value
    }
    return render(
        request,
        "runs/run.html",
        **shown,
        entries=entries[:_ENTRIES],
        later=place is not None,
        more={**narrowed, "after": _mark(entries[_ENTRIES - 1])} if len(entries) > _ENTRIES else None,
        narrowed=narrowed,
        kinds=timeline.KINDS,
        address=timeline.address,
        flower=partial(task_address, run_id),
    )


def _shown(rt: Runtime, db: Connection, run: RunDetail, moment: Moment | None, me: Person) -> dict[str, Any]:
    """What the page shows besides its timeline, by the names its template uses."""
    run_id, until = run.id, moment.at if moment else None
    now = until or clock.now(db)
    data = moment.data if moment else runs.data_of(db, run_id)
    taken = timeline.path(db, run_id, until=until)
    workflow = rt.workflows.find(run.workflow, run.workflow_version)
    state = moment.state if moment else run.state
    standings = timeline.standings(db, run_id, limit=_STANDINGS, until=until)
    # Last, because it fixes the transaction's own isolation again.
    explained = explain(situation.read(db, run_id), rt.settings).sentence if moment is None else None
    return {
        "run": run,
        "moment": moment,
        "state": state,
        "stands": moment.status if moment else run.status,
        "explained": explained,
        "data": in_order(rt, run.workflow, run.workflow_version, data),
        "documents_listed": documents_of(db, run_id, data),
        "tasks": task_list.page(db, TaskFilter(status=None, run=run_id)),
        "actions": actions.of_run(db, run_id),
        "effects": effects.of_run(db, run_id),
        "children": run_list.children(db, run_id, limit=_CHILDREN),
        "children_shown": _CHILDREN,
        "alerts": alert_list.of_run(db, run_id),
        "names": finding.names_of(db, run_id),
        "times": _times(pages.seconds_by_status(db, run_id)),
        "strip": strip(workflow, [(way.from_state, way.to_state) for way in taken], state) if workflow else None,
        "taken": taken,
        "attempts": bars.attempts(standings, now),
        "all_attempts": len(standings) < _STANDINGS,
        "bars": bars,
        "operations": panel(db, rt, run_id, me) if moment is None else None,
        "forks": fork_panel(db, rt, run_id, me) if moment is None else None,
        "exports": moment is None and may(rt, me, Right.EXPORT),
        **_panels(db, rt, run, me, now=moment is None),
        "mark": timeline.marks(db, [run_id])[run_id] if moment is None else "",
    }


def _panels(db: Connection, rt: Runtime, run: RunDetail, me: Person, *, now: bool) -> dict[str, Any]:
    """What the application adds to this run's page: templates with what they show, and where the contents lead."""
    made = [(panel, panel.values(db, rt, run, me)) for panel in installed(rt.settings).panels()] if now else []
    shown = [(panel, values) for panel, values in made if values is not None]
    return {
        "panels": [(panel.template, values) for panel, values in shown],
        "panel_links": tuple((panel.id, panel.title, True) for panel, _ in shown),
    }


def _times(by_status: Mapping[str, float]) -> dict[str, float]:
    """How long the run worked, was queued, waited for whom, was stopped: a wait of days must not hide a slow step."""
    spent = dict.fromkeys(_TIMES.values(), 0.0)
    for status, seconds in by_status.items():
        spent[_TIMES[SPENT_AS[Status(status)]]] += seconds
    return spent


def _moment(db: Connection, run: RunDetail, at: str) -> Moment | None:
    """The run as it stood at `at`; None for now. Raises BadInput for what is no moment of it."""
    if not at.strip():
        return None
    if at.strip().isascii() and at.strip().isdigit():
        after = history.stood_after(db, run.id, int(at[:9]))
        if after is None:
            raise BadInput(f"at: the run has no transition {at}; it has {run.transition_seq}")
        return after
    try:
        when = datetime.fromisoformat(at.strip().replace(" ", "+"))
    except ValueError:
        raise BadInput(f"at: {at!r} is no time; write 2026-03-01T14:05:00Z, or the number of a transition") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    stood = history.stood_at(db, run.id, when)
    if stood is None:
        raise BadInput(f"at: the run had not begun at {when.isoformat()}; it began at {run.created_at.isoformat()}")
    return stood


def _mark(entry: Entry) -> str:
    return cursors.written((entry.at, entry.rank, entry.n))


def _place(after: str) -> Place | None:
    place = cursors.place(after, datetime, int, int, name="after")
    return (place[0], place[1], place[2]) if place else None
