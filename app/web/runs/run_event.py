"""One entry of a run's timeline, whole, at its own address: what was asked, what came back, what a model saw, what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import LonghaulError, NotFound
from app.core.statuses import CheckpointKind
from app.store.database import Connection
from app.store.reads import glance, pages, timeline
from app.store.reads.timeline import WholeEntry
from app.store.runs import conversations
from app.store.runs.conversations import Seen
from app.web.http.flower_link import task_address
from app.web.http.render import render
from app.web.http.session import Me, Rt
from app.web.http.show import pretty
from app.web.runs.attempts import changes, tried

router = APIRouter()


@router.get("/runs/{run_id:uuid}/events/{name}")
def show_event(request: Request, rt: Rt, me: Me, run_id: UUID, name: str) -> Response:
    """One entry of the timeline. Raises NotFound."""
    place = timeline.place_of(name)
    with pages.snapshot(rt.database) as db:
        run = glance.read(db, run_id)
        entry = timeline.one(db, run_id, *place) if run and place else None
        if run is None or entry is None:
            raise NotFound(f"the run {run_id} has no event {name[:80]}; its page lists all there are")
        step, call = divmod(entry.n, 100_000)
        seen = conversations.seen_by_model(db, run_id, step, call) if entry.kind == CheckpointKind.MODEL else None
        change = _change(db, run_id, entry)
    return render(
        request,
        "runs/run_event.html",
        run=run,
        entry=entry,
        seen=seen,
        said=_said(seen),
        change=change,
        offline=is_rules(entry.model),
        call=call if entry.rank == 2 else None,
        tried=tried(entry),
        flower=partial(task_address, run_id),
    )


def is_rules(model: str | None) -> bool:
    """Whether an answer came from the written rules that stand in where no model is set up."""
    return bool(model) and str(model).startswith("offline-rules")


def _said(seen: Seen | None) -> list[dict[str, Any]]:
    """A conversation as people read one: who spoke, and what they said; the answer of this call at its end."""
    if seen is None:
        return []
    said = [_message(message) for message in seen.messages]
    if seen.output is not None:
        said.append({"role": "model", "text": "", "data": pretty(seen.output), "calls": []})
    return said


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        return {"role": "message", "text": str(message), "data": "", "calls": []}
    text = message.get("text") or ""
    rest = {n: v for n, v in message.items() if n not in ("role", "text", "calls") and v not in (None, "", [], {})}
    return {
        "role": str(message.get("role", "message")),
        "text": "\n\n".join(map(_readable, map(str, text))) if isinstance(text, list) else _readable(str(text)),
        "data": pretty(rest) if rest else "",
        "calls": [pretty(call) for call in message.get("calls", [])],
    }


def _readable(text: str) -> str:
    """JSON on one line, as models are given it, with its lines and indents; any other text as it is."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return pretty(json.loads(text))
    except (ValueError, RecursionError, LonghaulError):
        return text


def _change(db: Connection, run_id: UUID, entry: WholeEntry) -> Sequence[tuple[str, str]]:
    """How a step changed the run's data: lines with their sign (+, -, or blank)."""
    if entry.kind != CheckpointKind.STEP or entry.step_seq is None:
        return []
    before, after = timeline.data_around(db, run_id, entry.step_seq)
    if after is None or before is None:
        return []
    return changes(pretty(before), pretty(after))
