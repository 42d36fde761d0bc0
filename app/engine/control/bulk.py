"""One of an operator's verbs on many runs. The law: each run is a transaction of its own, so one that is refused keeps none of the
others; a trial says beforehand what would become of each, by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.decide import may_cancel
from app.core.errors import BadInput, LonghaulError, NotFound, Refused
from app.core.lifecycle import PAUSES_LATER, EventKind, Status, allowed
from app.core.run import Run
from app.engine.control import operate
from app.engine.runtime import Runtime
from app.store.reads import dead_letters
from app.store.runs import runs

MOST = 1000  # runs of one call

VERBS: Mapping[str, Callable[..., None]] = {
    "retry": operate.retry,
    "redrive": operate.redrive,
    "fail": operate.fail,
    "pause": operate.pause,
    "resume": operate.resume,
    "cancel": operate.cancel,
}
_GO_ON = frozenset({"retry", "redrive"})
_EVENTS = {"retry": EventKind.RETRIED, "redrive": EventKind.REDRIVEN, "fail": EventKind.FAILED_BY_OPERATOR}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run, or would: `refusal` is why not, None if it was (would be) done."""

    run_id: UUID
    subject: str
    status: str
    refusal: str | None


def refusal(run: Run, verb: str) -> str | None:
    """Why a verb would be refused for a run as it stands, or None. Only a courtesy: under its lock the run decides anew."""
    if verb == "cancel":
        try:
            may_cancel(run)
        except Refused as problem:
            return str(problem)
        return None
    if verb == "pause":
        if run.status not in PAUSES_LATER and not allowed(run.status, EventKind.PAUSED):
            return f"a run that is {run.status.value} does not go on by itself"
        return "it is asked to pause already" if run.pause_requested else None
    if verb == "resume":
        return None if run.pause_requested or run.status is Status.PAUSED else f"it is {run.status.value}, not paused"
    return None if allowed(run.status, _EVENTS[verb]) else f"impossible while the run is {run.status.value}"


def possible(run: Run) -> dict[str, str | None]:
    """Every verb with why it would be refused now, or None."""
    return {verb: refusal(run, verb) for verb in VERBS}


def apply(
    rt: Runtime, verb: str, run_ids: Sequence[UUID], *, actor: str, reason: str, dry_run: bool = False
) -> list[Outcome]:
    """Do it to each run in turn, or only say what would be done; one outcome per run, in the order given.

    Raises BadInput for an unknown verb, too many runs, or no reason. Doing it again is harmless: what is done is refused.
    """
    if verb not in VERBS:
        raise BadInput(f"verb: there is no {verb!r}; it is one of {', '.join(VERBS)}")
    if not reason.strip():
        raise BadInput("reason: say why; whoever reads the runs' history will ask")
    if len(run_ids) > MOST:
        raise BadInput(f"these are {len(run_ids):,} runs; at most {MOST:,} at a time")
    return [_one(rt, verb, run_id, actor=actor, reason=reason, dry_run=dry_run) for run_id in dict.fromkeys(run_ids)]


def of_a_kind(rt: Runtime, verb: str, fingerprint: str, *, the_rest: bool) -> list[UUID]:
    """The runs to let go on of those that stopped alike: one first; the rest only after one has passed the step it had stopped at.

    Raises Refused while none has, naming the one that was tried, and NotFound if no run of this kind is stopped.
    """
    found = rt.database.transact(lambda db: dead_letters.alike(db, fingerprint, MOST))
    if not found:
        raise NotFound(f"no run is stopped with the fingerprint {fingerprint!r}")
    if verb not in _GO_ON:
        return found
    if not the_rest:
        return found[:1]
    tried = rt.database.transact(lambda db: dead_letters.tried(db, fingerprint))
    if tried is None:
        raise Refused(
            f"{verb} one of the {len(found):,} first; the rest follow once it has passed the step it stopped at"
        )
    if not tried.is_past:
        raise Refused(
            f"{tried.subject}, which was tried first, is {tried.status} and has not passed the step it stopped at; "
            f"wait for it, or {verb} another one"
        )
    return found


def _one(rt: Runtime, verb: str, run_id: UUID, *, actor: str, reason: str, dry_run: bool) -> Outcome:
    run = rt.database.transact(lambda db: runs.read(db, run_id))
    if run is None:
        return Outcome(run_id, "", "", str(NotFound(f"there is no run {run_id}")))
    if dry_run:
        return Outcome(run_id, run.subject, run.status.value, refusal(run, verb))
    said: Any = None
    try:
        VERBS[verb](rt, run_id, actor=actor, reason=reason)
    except LonghaulError as problem:
        said = str(problem)
    after = rt.database.transact(lambda db: runs.read(db, run_id)) or run
    return Outcome(run_id, run.subject, after.status.value, said)
