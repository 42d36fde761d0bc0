"""Runs: the list, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.actions import ledger
from app.core.errors import BadInput, NotFound
from app.core.ids import task_id
from app.core.lifecycle import STOPPED, WAITING, Status
from app.engine.explain import explain
from app.engine.runtime import Runtime
from app.store import human_tasks, pages, runs, situation
from app.store.database import Connection
from app.store.pages import Place, Row, RunFilter
from app.web.documents import documents_of
from app.web.links import links_of
from app.web.operations import panel
from app.web.render import render
from app.web.session import Me, Rt
from app.web.sight import in_order

router = APIRouter()
_LISTED = 50
_ENTRIES = 500  # of the timeline, on one page
_CHILDREN = 200


@router.get("/runs")
def list_runs(
    request: Request, rt: Rt, me: Me, status: str = "", workflow: str = "", text: str = "", before: str = ""
) -> Response:
    """Runs, newest first, narrowed by what the address says."""
    wanted = RunFilter(status=status, workflow=workflow, text=text.strip(), before=_uuid(before, "before"))
    with pages.snapshot(rt.database) as db:
        found, now, names = pages.runs(db, wanted, limit=_LISTED + 1), pages.now(db), pages.workflows(db)
    older = {"status": status, "workflow": workflow, "text": wanted.text}
    return render(
        request,
        "runs.html",
        runs=found[:_LISTED],
        now=now,
        wanted=wanted,
        workflows=names,
        statuses=[s.value for s in Status],
        older=urlencode(older | {"before": found[_LISTED - 1]["id"]}) if len(found) > _LISTED else None,
    )


@router.get("/runs/{run_id:uuid}")
def show_run(request: Request, rt: Rt, me: Me, run_id: UUID, after: str = "") -> Response:
    """One run: where it stands and why, what it holds, and its whole timeline."""
    place = _place(after)
    with pages.snapshot(rt.database) as db:
        run = pages.run(db, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id}")
        explained = explain(situation.read(db, run_id), rt.settings)
        beside = _beside(rt, db, run) | {"links": links_of(db, rt, run, me)}
        operations = panel(db, run_id, me)
        entries = pages.timeline(db, run_id, limit=_ENTRIES + 1, after=place)
    flower = f"{request.url.scheme}://{_own_host(request)}:{rt.settings.flower_port}/task/"
    return render(
        request,
        "run.html",
        run=run,
        explained=explained.sentence,
        **beside,
        operations=operations,
        entries=entries[:_ENTRIES],
        later=place is not None,
        more=_mark(entries[_ENTRIES - 1]) if len(entries) > _ENTRIES else None,
        flower=lambda step, step_seq: flower + task_id(run_id, step, step_seq),
    )


@router.get("/runs/{name:path}")
def find_run(rt: Rt, me: Me, name: str) -> Response:
    """By subject, by the beginning of an id, or by a task id of Flower: on to the run's own page."""
    by_task_id = name.partition(".")[0]
    with pages.snapshot(rt.database) as db:
        found = runs.resolve(db, name) or (runs.resolve(db, by_task_id) if _is_uuid(by_task_id) else [])
    if not found:
        raise NotFound(f"no run has the subject {name!r}, nor an id that begins so; look for it in the list of runs")
    where = f"/runs/{found[0]}" if len(found) == 1 else f"/runs?{urlencode({'text': name})}"
    return RedirectResponse(where, status_code=302)


def _beside(rt: Runtime, db: Connection, run: Row) -> dict[str, Any]:
    """What belongs to a run, by the names its page uses."""
    run_id, data = run["id"], runs.data_of(db, run["id"])
    return {
        "data": in_order(rt, run["workflow"], run["workflow_version"], data),
        "documents_listed": documents_of(db, run_id, data),
        "tasks": human_tasks.of_run(db, run_id),
        "actions": ledger.of_run(db, run_id),
        "children": pages.children(db, run_id, limit=_CHILDREN),
        "children_shown": _CHILDREN,
        "alerts": pages.alerts_of(db, run_id),
        "times": _times(pages.seconds_by_status(db, run_id)),
    }


def _times(by_status: Mapping[str, float]) -> dict[str, float]:
    """How long the run worked, was queued, waited and was stopped: a wait of days must not hide a slow step."""
    kinds = {
        "worked": {Status.RUNNING},
        "queued": {Status.READY, Status.SUSPECTED_DEAD},
        "waited": WAITING,
        "stopped": STOPPED | {Status.PAUSED},
    }
    return {kind: sum(by_status.get(s.value, 0.0) for s in statuses) for kind, statuses in kinds.items()}


def _own_host(request: Request) -> str:
    """The name the person reached us by: Flower is on the same machine."""
    name = request.url.hostname or "127.0.0.1"
    return f"[{name}]" if ":" in name else name


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _uuid(text: str, name: str) -> UUID | None:
    if text and not _is_uuid(text):
        raise BadInput(f"{name}: follow the link at the end of the list; this is no place in it")
    return UUID(text) if text else None


def _mark(entry: Row) -> str:
    return f"{entry['at'].isoformat()}_{entry['rank']}_{entry['n']}"


def _place(after: str) -> Place | None:
    if not after:
        return None
    try:
        at, rank, n = after.replace(" ", "+").split("_")
        return datetime.fromisoformat(at), int(rank), int(n)
    except ValueError:
        raise BadInput("after: follow the link at the end of the timeline; this is no place in it") from None
