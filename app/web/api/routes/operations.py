"""What an operator does to runs: one, or many at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import BadInput
from app.engine.control import bulk
from app.engine.control.fork import fork
from app.store.reads import pages, run_list
from app.store.runs import runs
from app.web.api import bodies, shapes
from app.web.api.answers import reply
from app.web.api.caller import Operator
from app.web.api.examples import answers
from app.web.api.repeat import HEADER, once
from app.web.api.routes.runs import RunName, run_named
from app.web.api.routing import Route
from app.web.http.session import Rt

router = APIRouter(route_class=Route, tags=["Operations"])
_SAYS = {
    "retry": "Try a stopped step again with fresh attempts.",
    "redrive": "Run a dead letter's step again; completed calls are not repeated.",
    "fail": "End a stopped run as FAILED, for good.",
    "cancel": "End it and its children as CANCELLED, for good. Refused once an irreversible action was begun.",
    "pause": "Hold it: at once if it is ready, else where it would next be.",
    "resume": "Let it go on from where it was paused.",
}


def _of(verb: str) -> Callable[..., Response]:
    def operate(
        request: Request,
        rt: Rt,
        caller: Operator,
        run: RunName,
        body: bodies.Because,
        idempotency_key: str | None = HEADER,
    ) -> Response:
        run_id = run_named(rt, run)

        def work() -> Response:
            bulk.VERBS[verb](rt, run_id, actor=caller.actor, reason=body.reason)
            after = rt.database.transact(lambda db: runs.read(db, run_id))
            assert after is not None
            return reply(shapes.Operated(run_id=run_id, status=after.status.value))

        return once(request, caller, work)

    operate.__doc__ = _SAYS[verb]
    return operate


for _verb in _SAYS:
    router.add_api_route(
        f"/runs/{{run}}/{_verb}",
        _of(_verb),
        methods=["POST"],
        name=_verb,
        responses=answers(shapes.Operated, 404, 409, 413, 415),
    )


@router.post("/runs/{run}/fork", status_code=201, responses=answers(shapes.ForkOf, 404, 409, 413, 415, status=201))
def fork_run(
    request: Request,
    rt: Rt,
    caller: Operator,
    run: RunName,
    body: bodies.ForkBody,
    idempotency_key: str | None = HEADER,
) -> Response:
    """Begin a new run where this one entered a step. Its approvals and actions are not copied: it pays nothing a second time."""
    run_id = run_named(rt, run)

    def work() -> Response:
        made = fork(rt, run_id, body.step_seq, actor=caller.actor, reason=body.reason)
        answer = shapes.ForkOf(run_id=made.run_id, forked_from=run_id, state=made.state, copied=made.copied)
        return reply(answer, status=201, headers={"Location": f"/api/v1/runs/{made.run_id}"})

    return once(request, caller, work)


@router.post("/operations", responses=answers(shapes.Outcomes, 409, 413, 415))
def operate_many(
    request: Request, rt: Rt, caller: Operator, body: bodies.OperationBody, idempotency_key: str | None = HEADER
) -> Response:
    """One verb on many runs; first as a trial (`dry_run`, the default), then for good."""
    if (body.ids is None) == (body.filter is None):
        raise BadInput("ids: name either the runs by `ids` or those of a `filter`")

    def work() -> Response:
        chosen = body.ids if body.ids is not None else _filtered(rt, body.verb, body.filter)
        found = bulk.apply(rt, body.verb, chosen, actor=caller.actor, reason=body.reason, dry_run=body.dry_run)
        refused = sum(one.refusal is not None for one in found)
        return reply(
            shapes.Outcomes(
                verb=body.verb,
                dry_run=body.dry_run,
                done=len(found) - refused,
                refused=refused,
                items=[shapes.Outcome(**asdict(one)) for one in found],
            )
        )

    return once(request, caller, work)


def _filtered(rt: Rt, verb: str, wanted: bodies.ManyRuns | None) -> list[UUID]:
    assert wanted is not None
    if bool(wanted.status) == bool(wanted.fingerprint):
        raise BadInput("filter: name either a `status` or a `fingerprint`")
    if wanted.fingerprint:
        return bulk.of_a_kind(rt, verb, wanted.fingerprint, the_rest=wanted.rest)
    with pages.snapshot(rt.database) as db:
        asked = run_list.RunFilter(status=[wanted.status] if wanted.status else (), workflow=wanted.workflow)
        return [run.id for run in run_list.page(db, asked, limit=bulk.MOST)]
