"""The evidence pack of a run, for programs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.web.api.caller import Exporter
from app.web.api.examples import answers
from app.web.api.routes.runs import RunName, run_named
from app.web.api.routing import Route
from app.web.http.session import Rt
from app.web.runs.packs import MEDIA_TYPE, pack_of

router = APIRouter(route_class=Route, tags=["Runs"])


@router.get(
    "/runs/{run}/evidence",
    response_class=Response,
    responses={
        **answers(None, 404),
        200: {
            "description": "A zip, as an attachment",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "(bytes)"}},
        },
    },
)
def evidence(rt: Rt, caller: Exporter, run: RunName) -> Response:
    """Everything of the run in one signed zip; `longhaul verify` checks it, without us."""
    return pack_of(rt, run_named(rt, run), by=caller.actor)
