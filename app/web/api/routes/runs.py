"""Runs: listed, found by any of their names, explained, traced; their signals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.lifecycle import Status
from app.diagnosis.explain import explain
from app.engine.control import signals
from app.store.reads import api_lists, glance, pages, run_list, situation
from app.store.reads import trace as entries
from app.store.runs import runs
from app.web.api import bodies, shapes
from app.web.api.answers import listed, reply, shaped
from app.web.api.caller import Operator, Reader
from app.web.api.examples import answers
from app.web.api.listing import DEFAULT, Limit, RunCursor, SeqCursor, TraceCursor
from app.web.api.repeat import HEADER, once
from app.web.api.routing import Route
from app.web.http.cursors import place
from app.web.http.session import Rt

router = APIRouter(route_class=Route, tags=["Runs"])
RunName = Annotated[
    str,
    Path(max_length=300, description="An id, a unique beginning of one, a task id of Flower, or the run's subject."),
]


def run_named(rt: Rt, run: RunName) -> UUID:
    """The run somebody means. Raises NotFound, or BadInput naming those it could be."""
    with pages.snapshot(rt.database) as db:
        return glance.find(db, run)


@router.get("/runs", responses=answers(shapes.Runs))
def list_runs(
    request: Request,
    rt: Rt,
    caller: Reader,
    status: Annotated[Status | None, Query()] = None,
    workflow: Annotated[str, Query(max_length=100)] = "",
    text: Annotated[str, Query(max_length=300, description="A subject's or an id's beginning.")] = "",
    limit: Limit = DEFAULT,
    cursor: RunCursor = "",
) -> Response:
    """Runs, newest first; children only where `text` finds them."""
    behind = place(cursor, UUID)
    wanted = run_list.RunFilter(
        status=[status] if status else (), workflow=workflow, text=text.strip(), before=behind[0] if behind else None
    )
    with pages.snapshot(rt.database) as db:
        found = run_list.page(db, wanted, limit=limit + 1)
    return listed(request, [shaped(shapes.RunLine, run) for run in found], [(run.id,) for run in found], limit)


@router.get("/runs/{run}", responses=answers(shapes.Run, 404))
def show_run(rt: Rt, caller: Reader, run: RunName) -> Response:
    """One run with its data, as it stands now."""
    with pages.snapshot(rt.database) as db:
        found = glance.one(db, glance.find(db, run))
        return reply(shaped(shapes.Run, found, data=runs.data_of(db, found.id)))


@router.get("/runs/{run}/explain", responses=answers(shapes.Explained, 404))
def explain_run(rt: Rt, caller: Reader, run: RunName) -> Response:
    """Why it moves or does not, in one sentence."""
    run_id = run_named(rt, run)
    with rt.database.transaction() as db:
        told = explain(situation.read(db, run_id), rt.settings)
    return reply(shapes.Explained(run_id=run_id, condition=told.condition, sentence=told.sentence))


@router.get("/runs/{run}/transitions", responses=answers(shapes.Transitions, 404))
def transitions(
    request: Request, rt: Rt, caller: Reader, run: RunName, limit: Limit = DEFAULT, cursor: SeqCursor = ""
) -> Response:
    """Its moves, oldest first."""
    run_id, behind = run_named(rt, run), place(cursor, int)
    with pages.snapshot(rt.database) as db:
        found = api_lists.transitions(db, run_id, behind=behind[0] if behind else 0, limit=limit + 1)
    return listed(request, [shaped(shapes.Transition, move) for move in found], [(move.seq,) for move in found], limit)


@router.get("/runs/{run}/trace", responses=answers(shapes.Trace, 404))
def trace(
    request: Request, rt: Rt, caller: Reader, run: RunName, limit: Limit = DEFAULT, cursor: TraceCursor = ""
) -> Response:
    """Everything it did, saw and was told, oldest first. What is large stands as `{"$blob": sha256}`."""
    run_id, behind = run_named(rt, run), place(cursor, datetime, int, int)
    with pages.snapshot(rt.database) as db:
        found = entries.page(db, run_id, behind=(behind[0], behind[1], behind[2]) if behind else None, limit=limit + 1)
    places = [(entry.at, entry.rank, entry.n) for entry in found]
    return listed(request, [shaped(shapes.TraceEntry, entry) for entry in found], places, limit)


@router.get("/runs/{run}/signals", responses=answers(shapes.Signals, 404))
def list_signals(
    request: Request, rt: Rt, caller: Reader, run: RunName, limit: Limit = DEFAULT, cursor: SeqCursor = ""
) -> Response:
    """The signals it was sent, in their order."""
    run_id, behind = run_named(rt, run), place(cursor, int)
    with pages.snapshot(rt.database) as db:
        found = api_lists.signals(db, run_id, behind=behind[0] if behind else 0, limit=limit + 1)
    return listed(
        request, [shaped(shapes.Signal, signal) for signal in found], [(signal.seq,) for signal in found], limit
    )


@router.post(
    "/runs/{run}/signals", status_code=201, responses=answers(shapes.Sent, 404, 409, 413, 415, status=201, also=200)
)
def send_signal(
    request: Request,
    rt: Rt,
    caller: Operator,
    run: RunName,
    body: bodies.SignalBody,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Send it a signal. The same `signal_id` again changes nothing; it is an operator's right."""
    run_id = run_named(rt, run)

    def work() -> Response:
        new = signals.signal(rt, run_id, body.name, body.payload, signal_id=body.signal_id, actor=caller.actor)
        return reply(shapes.Sent(run_id=run_id, signal_id=body.signal_id, new=new), status=201 if new else 200)

    return once(request, caller, work)
