"""Forking a run from its page: from which step, and why. The forks there are stand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from app.accounts.people import Person
from app.accounts.rights import Right, may, require
from app.core.errors import BadInput
from app.core.ids import new_id
from app.engine.control.fork import fork
from app.engine.runtime import Runtime
from app.store.database import Connection
from app.store.runs import forks
from app.web.http.posting import Posted
from app.web.http.session import Me, Rt

router = APIRouter()
_MOST = 200  # steps offered, and forks listed


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkPanel:
    """What the run page shows of forks. `fork_id`: the id of the run that this very form makes, once, however often it is sent."""

    steps: Sequence[forks.Choice]
    made: Sequence[forks.Made]
    fork_id: UUID


def fork_panel(db: Connection, rt: Runtime, run_id: UUID, me: Person) -> ForkPanel:
    """The steps a person may fork the run from, and its forks."""
    steps = forks.choices(db, run_id, limit=_MOST) if may(rt, me, Right.OPERATE) else ()
    return ForkPanel(steps=steps, made=forks.of_run(db, run_id, limit=_MOST), fork_id=new_id())


@router.post("/runs/{run_id:uuid}/fork")
def make_fork(posted: Posted, rt: Rt, me: Me, run_id: UUID) -> Response:
    """Make a fork, and go to its page. Raises Refused where the run cannot be forked from that step."""
    require(rt, me, Right.OPERATE)
    step = posted.get("step", "")
    if not (step.isascii() and step.isdigit() and len(step) < 10):
        raise BadInput("step: choose the step the new run begins with")
    try:
        name = UUID(posted.get("fork", ""))
    except ValueError:
        raise BadInput("fork: the form is damaged; open the page again") from None
    made = fork(rt, run_id, int(step), actor=f"person:{me.username}", reason=posted.get("reason", ""), fork_id=name)
    return RedirectResponse(f"/runs/{made.run_id}", status_code=303)
