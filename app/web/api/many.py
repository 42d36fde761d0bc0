"""One verb on many runs: each is a transaction of its own, so one that is refused keeps none of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.decide import may_cancel
from app.core.errors import LonghaulError, Refused
from app.core.lifecycle import ENDED, STOPPED, Event, Status, allowed
from app.core.run import Run
from app.engine import operate
from app.engine.runtime import Runtime
from app.store import runs

MOST = 1000

VERBS: Mapping[str, Callable[..., None]] = {
    "retry": operate.retry, "redrive": operate.redrive, "fail": operate.fail, "cancel": operate.cancel,
    "pause": operate.pause, "resume": operate.resume,
}  # fmt: skip
_EVENTS = {"retry": Event.RETRIED, "redrive": Event.REDRIVEN, "fail": Event.FAILED_BY_OPERATOR}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run, or would: `refusal` is why not."""

    run_id: UUID
    subject: str
    status: str
    refusal: str | None


def apply(rt: Runtime, verb: str, run_ids: Sequence[UUID], *, actor: str, reason: str, dry_run: bool) -> list[Outcome]:
    """Do it to each in turn, or only say what would be done."""
    return [_one(rt, verb, one, actor, reason, dry_run) for one in dict.fromkeys(run_ids)]


def _one(rt: Runtime, verb: str, run_id: UUID, actor: str, reason: str, dry_run: bool) -> Outcome:
    run = rt.database.transact(lambda db: runs.read(db, run_id))
    if run is None:
        return Outcome(run_id, "", "", f"there is no run {run_id}")
    said = None
    try:
        if dry_run:
            _would(run, verb)
        else:
            VERBS[verb](rt, run_id, actor=actor, reason=reason)
    except LonghaulError as problem:
        said = str(problem)
    after = rt.database.transact(lambda db: runs.read(db, run_id)) or run
    return Outcome(run_id, run.subject, after.status.value, said)


def _would(run: Run, verb: str) -> None:
    """Raise Refused where the verb would be. Only a courtesy: under its lock the run decides anew."""
    possible = True
    if verb == "cancel":
        may_cancel(run)
    elif verb == "pause":
        possible = run.status not in ENDED | STOPPED | {Status.PAUSED}
    elif verb == "resume":
        possible = run.pause_requested or run.status is Status.PAUSED
    else:
        possible = bool(allowed(run.status, _EVENTS[verb]))
    if not possible:
        raise Refused(f"impossible while the run is {run.status.value}")
