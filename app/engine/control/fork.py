"""Forks: a new run that begins with a step of another one, as that one entered it.

The law: a fork has the data, the cause and the completed calls of that step, and the same time as `step.now` if any call
was copied, so that what was done is not done again. It has no action and no approval of the other run: what that was
allowed, it was allowed alone. The other run goes on as it is; only a note in its history says that it was forked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core import ids
from app.core.canonical import canonical, digest
from app.core.entered import first_entered, since
from app.core.errors import BadInput, NotFound, Refused
from app.core.ports import Bell
from app.core.statuses import BEGUN, CheckpointKind, CheckpointStatus
from app.core.workflow import Workflow
from app.engine import fitting, start
from app.engine.runtime import Runtime
from app.engine.step import advance
from app.store.database import Connection
from app.store.reads import finding
from app.store.records import erasure
from app.store.runs import forks, runs, signals, starts
from app.store.runs.forks import Entered


@dataclass(frozen=True, slots=True)
class Forked:
    """A fork. new: False when it had been made before under the same id. copied: completed calls it was given."""

    run_id: UUID
    state: str
    copied: int
    new: bool


def fork(rt: Runtime, run_id: UUID, step_seq: int, *, actor: str, reason: str, fork_id: UUID | None = None) -> Forked:
    """Begin a new run where `run_id` entered its step `step_seq`.

    `fork_id` names the new run, so that asking twice makes one. Raises BadInput without a reason, NotFound for a run or step
    that is not there, and Refused, saying why, where a fork could not keep the law.
    """
    if not reason.strip():
        raise BadInput("reason: say why; whoever reads the fork's history will ask")
    new_id = fork_id or ids.new_id()
    made, at = rt.database.transact(lambda db: _fork(rt, db, run_id, step_seq, new_id, actor, reason.strip()))
    if made.new:
        start.log_first(made.run_id, made.state, actor, at[0])
        rt.dispatcher.ring([at[1]])
    return made


def _fork(
    rt: Runtime, db: Connection, run_id: UUID, step_seq: int, new_id: UUID, actor: str, reason: str
) -> tuple[Forked, Any]:
    run = advance.lock_or_refuse(db, run_id)  # so that nobody begins a call meanwhile, and nobody erases it
    if (standing := runs.read(db, new_id)) is not None:
        if forks.source_of(db, new_id) != run_id:
            raise Refused(f"the run {new_id} is there already, and is no fork of {run_id}")
        return Forked(new_id, standing.state, 0, new=False), None
    step = forks.entered(db, run_id, step_seq)
    if step is None:
        raise NotFound(f"step: the run {run_id} has no step {step_seq}; it has 1 to {run.step_seq}")
    workflow = rt.workflows.find(run.workflow, run.workflow_version)
    if workflow is None or step.state not in workflow.by_name:
        raise Refused(f"this process does not have {run.workflow} v{run.workflow_version}; ask one that does")
    calls = _may_be_forked(db, run_id, step_seq, step)
    entered = first_entered(step.received)
    now = entered.pop("now", step.at)
    entered["cause"] = {"of_run": run_id} | entered.get("cause", {})
    if any(call.status == CheckpointStatus.COMPLETE for call in calls):
        entered["now"] = now  # or else the calls would be other ones
    at = _insert(db, workflow, run_id, step_seq, step, entered, new_id=new_id, actor=actor, reason=reason)
    copied = forks.copy_calls(db, new_id)
    forks.copy_documents(db, new_id, run_id, step.at)
    if workflow.names is not None:
        finding.keep_names(db, new_id, workflow.names(fitting.validated(workflow, step.data)))
    signals.note(db, run_id, "forked", canonical({"fork": new_id, "step_seq": step_seq, "reason": reason}), actor)
    route = workflow.route(step.state)
    bell = Bell(new_id, 1, run.workflow, step.state, route["queue"])
    return Forked(new_id, step.state, copied, new=True), (at, bell)


def _may_be_forked(db: Connection, run_id: UUID, step_seq: int, step: Entered) -> list[forks.Call]:
    """The step's calls. Raises Refused for a step that a fork cannot begin with."""
    if step.data is None or erasure.is_erased(runs.data_of(db, run_id)):
        raise Refused(f"what the run {run_id} knew was erased; there is nothing to begin a fork with")
    calls = forks.calls(db, run_id, step_seq)
    unsure = next((c for c in calls if c.kind == CheckpointKind.TOOL and c.status in BEGUN), None)
    if unsure is not None:
        raise Refused(
            f"nobody knows yet whether {unsure.name} of step {step_seq} happened; settle that first, or fork from an earlier step"
        )
    if (given := forks.approved_before(db, run_id, step_seq)) is not None:
        what = f"{given.purpose.replace('_', ' ')} of {given.amount} {given.currency} to {given.payee}"
        raise Refused(
            f"step {step_seq} ({step.state}) rests on the approval of the {what}, which is this run's alone; fork from step "
            f"{given.step_seq} ({given.state}), where it was given, or from an earlier one"
        )
    return calls


def _insert(
    db: Connection,
    workflow: Workflow,
    run_id: UUID,
    step_seq: int,
    step: Entered,
    entered: Mapping[str, Any],
    *,
    new_id: UUID,
    actor: str,
    reason: str,
) -> Any:
    """The fork's rows. What it was made from stands in its first output, which its chain of transitions vouches for."""
    own, text = forks.original(db, run_id), canonical(entered)
    why = f"forked from step {step_seq} of {run_id}: {reason}"
    origin = {"run_id": run_id, "step_seq": step_seq, "state": step.state, "entered": digest(text)}
    first = since(step.received, step_seq)  # of its calls some may be copies themselves
    made = forks.origin(db, run_id) if first == 1 else None
    before = made.told if made else None
    for earlier in range(first, step_seq):
        before = {"run_id": run_id, "step_seq": earlier} | ({"before": before} if before else {})
    if before is not None:
        origin["before"] = before
    rows = db.execute(
        *starts.insertion(
            [starts.New(id=new_id, subject=own.subject, data=canonical(step.data))],
            workflow=workflow.name,
            version=workflow.version,
            definition_hash=own.definition_hash,
            route=workflow.route(step.state),
            actor=actor,
            expected_seconds=own.expected_seconds,
            token_budget=own.token_budget,
            priority=own.priority,
            fork=starts.Fork(of=run_id, origin=canonical(origin), entered=text, reason=why[:4000]),
        )
    ).fetchall()
    assert rows, "looked for under the lock of its source"
    return rows[0]["created_at"]
