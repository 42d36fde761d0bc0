"""Where Flower is, for those who may look at it: the addresses that pages link to. The door itself is `app.web.flower`."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from app.accounts.people import Person
from app.accounts.rights import Right, may
from app.core.ids import task_id
from app.engine.runtime import Runtime

HOME = "/flower/"
START = "`celery -A tasks flower --url-prefix=flower --read-only=true --address=127.0.0.1 --port=8712`"
KNOWN = "Runs go on without Flower, and each run's own page tells of its steps."


def is_shown(rt: Runtime, person: Person | None) -> bool:
    """Whether a person is shown ways to Flower: there is one, and they may look at it."""
    return bool(rt.settings.flower_url) and person is not None and may(rt, person, Right.INSPECT)


def task_address(run_id: UUID, state: str, step_seq: int) -> str:
    """The page on which Flower tells of a step's task."""
    return f"{HOME}task/{quote(task_id(run_id, state, step_seq))}"
