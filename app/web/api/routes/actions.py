"""The ledger: actions with who allowed them; taking an approval back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.humans.revoke import revoke
from app.store.database import Connection
from app.store.reads import api_lists, pages
from app.store.reads.api_lists import ActionLine
from app.web.api import bodies, shapes
from app.web.api.answers import listed, reply, shaped
from app.web.api.caller import Reader, Worker
from app.web.api.examples import answers
from app.web.api.listing import DEFAULT, Cursor, Limit
from app.web.api.repeat import HEADER, once
from app.web.api.routing import Route
from app.web.http.cursors import place
from app.web.http.session import Rt

router = APIRouter(route_class=Route, tags=["Actions and approvals"])


@router.get("/actions", responses=answers(shapes.Actions))
def list_actions(
    request: Request,
    rt: Rt,
    caller: Reader,
    status: Annotated[str, Query(max_length=20)] = "",
    run: UUID | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = "",
) -> Response:
    """Actions, newest first, each with its approvals."""
    behind = place(cursor, datetime, UUID)
    with pages.snapshot(rt.database) as db:
        rows = api_lists.actions(
            db, run=run, status=status, behind=(behind[0], behind[1]) if behind else None, limit=limit + 1
        )
        found = _with_approvals(db, rows)
    return listed(request, found, [(action.created_at, action.id) for action in rows], limit)


@router.get("/actions/{action_id}", responses=answers(shapes.Action, 404))
def show_action(rt: Rt, caller: Reader, action_id: UUID) -> Response:
    """One action with its approvals."""
    return reply(_one(rt, action_id))


@router.post("/approvals/{approval_id}/revoke", responses=answers(shapes.Action, 404, 409, 413, 415))
def revoke_approval(
    request: Request,
    rt: Rt,
    caller: Worker,
    approval_id: UUID,
    body: bodies.Because,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Take an approval back before its action begins: by who gave it, or whoever may take tasks over. Answers with the action."""

    def work() -> Response:
        return reply(_one(rt, revoke(rt, approval_id, by=caller.person.username, reason=body.reason)))

    return once(request, caller, work)


def _one(rt: Rt, action_id: UUID) -> shapes.Action:
    with pages.snapshot(rt.database) as db:
        found = _with_approvals(db, api_lists.actions(db, action=action_id))
    if not found:
        raise NotFound(f"there is no action {action_id}")
    return found[0]


def _with_approvals(db: Connection, actions: Sequence[ActionLine]) -> list[shapes.Action]:
    given = api_lists.approvals(db, [action.id for action in actions])
    return [
        shaped(shapes.Action, action, approvals=[shaped(shapes.Approval, a) for a in given if a.action_id == action.id])
        for action in actions
    ]
