"""Starting runs. The law: a run is a row committed in the caller's own transaction; the doorbell comes after, or the sweep.
What is refused has written nothing, its key included, even if the caller goes on and commits.

The same idempotency key with the same body gives the same run; with another body it is refused. The same subject
twice without a key is refused too, naming the run there is.

One run is started as many are: those of a batch by one statement, which passes over what is there already. Only then is
looked what stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.errors import KeyReused, Refused
from app.core.lifecycle import EventKind, Status
from app.core.ports import Bell, Dispatcher
from app.core.values.durations import seconds
from app.core.workflow import Workflow
from app.engine.fitting import Checked, NewRun, checked, earlier_bodies, numbered
from app.store.database import Connection, DuplicateRow, all_or_nothing, as_ours, in_one_round_trip
from app.store.records import request_keys
from app.store.runs import runs, starts
from app.store.runs.starts import New, start_scope
from app.telemetry import logs

_TRIES = 6  # of a run that rivals start and take back
_BELLS = 1_000  # rung in one round trip


@dataclass(frozen=True, slots=True)
class Started:
    """A started run; `new` is False when the key or the subject had started it before."""

    run_id: UUID
    new: bool
    bell: Bell
    actor: str = ""
    at: datetime | None = None


def start(
    db: Connection,
    workflow: Workflow,
    *,
    subject: str,
    data: BaseModel | dict[str, Any],
    key: str | None,
    actor: str,
    priority: int = 0,
) -> Started:
    """Start a run of `workflow` for `subject` inside the transaction of `db`. Raises BadInput or KeyReused."""
    one = checked(workflow, NewRun(subject, data, key))
    return _start_batch(db, workflow, [one], actor, priority)[0]


def start_many(
    db: Connection, workflow: Workflow, many: Iterable[NewRun], *, actor: str, priority: int = 0
) -> list[Started]:
    """Start runs of `workflow` inside the transaction of `db`, all of them or none; in the order given, what became of each.

    `many` is read as it is needed, a batch at a time. Raises BadInput or KeyReused, saying of which run.
    """
    started: list[Started] = []
    with all_or_nothing(db):
        for batch in starts.batches(numbered(workflow, many), lambda one: len(one.new.data)):
            with as_ours(db) as own:  # between batches the caller may read by `db` what it gives us
                started += _start_batch(own, workflow, batch, actor, priority)
    return started


def _start_batch(
    db: Connection, workflow: Workflow, batch: Sequence[Checked], actor: str, priority: int
) -> list[Started]:
    """What became of each, in the order given. Raises KeyReused, or what reading its names raised."""
    answers: dict[UUID, Started] = {}
    left: Sequence[Checked] = batch
    for tried in range(_TRIES):
        if tried or any(one.nameless for one in batch):  # what stands in their way, if it still does
            answers |= _there_already(db, workflow, left)
            left = [one for one in left if one.new.id not in answers]
            for one in left:
                one.refuse_if_nameless()
        if left:
            made = _insert(db, workflow, [one.new for one in left], actor, priority)
            answers |= {
                run_id: Started(run_id, True, _bell(workflow, run_id), actor, at) for run_id, at in made.items()
            }
            left = [one for one in left if one.new.id not in answers]
        if not left:
            return [answers[one.new.id] for one in batch]
    raise Refused(f"{left[0].which}others start this run and take it back all the while; try again")


def _insert(db: Connection, workflow: Workflow, news: Sequence[New], actor: str, priority: int) -> dict[UUID, datetime]:
    """Insert the runs for whose subject and key there is none, each whole; when, by its id."""
    statement = starts.insertion(
        news,
        workflow=workflow.name,
        version=workflow.version,
        definition_hash=workflow.definition_hash,
        route=workflow.route(workflow.starts_at),
        actor=actor,
        expected_seconds=seconds(workflow.expected),
        token_budget=workflow.token_budget,
        priority=priority,
    )
    try:
        return {row["id"]: row["created_at"] for row in in_one_round_trip(db, *statement)}
    except DuplicateRow:  # a rival took one of the keys a moment ago, or two of these have the same one
        made: dict[UUID, datetime] = {}
        for new in news if len(news) > 1 else ():
            made |= _insert(db, workflow, [new], actor, priority)
        return made


def _there_already(db: Connection, workflow: Workflow, some: Sequence[Checked]) -> dict[UUID, Started]:
    """Those that were started under their key before. Raises KeyReused for another body, and for a subject that has a run."""
    scope = start_scope(workflow.name)
    kept = request_keys.recall(db, scope, [one.new.key for one in some if one.new.key is not None])
    there = runs.which_are(db, [UUID(before.answer["run_id"]) for before in kept.values()])
    found: dict[UUID, Started] = {}
    for one in some:
        with one.named():
            before = kept.get(one.new.key) if one.new.key is not None else None
            if one.new.key is None or before is None:
                _refuse_another_run(db, workflow, one.new.subject)
                continue
            if before.body_hash != one.new.body:
                request_keys.refuse_another_body(
                    one.new.key, before, *earlier_bodies(workflow, one.new.subject, one.fitting)
                )
            run_id = UUID(before.answer["run_id"])
            if run_id in there:
                found[one.new.id] = Started(run_id, False, _bell(workflow, run_id))
            else:  # a key of an earlier release may name a run that was refused
                request_keys.free(db, scope, one.new.key, before.answer)
    return found


def _refuse_another_run(db: Connection, workflow: Workflow, subject: str) -> None:
    """Raises KeyReused if the subject has a run."""
    standing = runs.by_subject(db, workflow.name, subject)
    if standing is not None:
        raise KeyReused(f"{subject!r} already has the run {standing.id}; open that one, or use another subject")


def _bell(workflow: Workflow, run_id: UUID) -> Bell:
    route = workflow.route(workflow.starts_at)
    return Bell(run_id, 1, workflow.name, route["state"], route["queue"])


def announce(dispatcher: Dispatcher, started: Started) -> bool:
    """After the commit: log the first transition of a new run, and ring. False if the broker was away: a sweep rings."""
    return announce_many(dispatcher, [started]) == 1


def announce_many(dispatcher: Dispatcher, many: Iterable[Started]) -> int:
    """After the commit: log the first transition of each new run, and ring, a thousand at once. How many the broker took."""
    rung, is_there, rest = 0, True, iter(many)
    while some := list(islice(rest, _BELLS)):
        for started in some:
            if started.new and started.at is not None:
                log_first(started.run_id, started.bell.state, started.actor, started.at)
        if is_there:
            taken = dispatcher.ring([started.bell for started in some])
            rung, is_there = rung + taken, taken == len(some)
    return rung


def log_first(run_id: UUID, state: str, actor: str, at: datetime) -> None:
    """The log line of a run's first transition."""
    logs.transition(
        run_id,
        state,
        at=at,
        seq=1,
        name=EventKind.STARTED.value,
        from_status="",
        to_status=Status.READY.value,
        to_state=state,
        actor=actor,
        reason=None,
    )
