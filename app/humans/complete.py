"""Completing a human task.

The law: one transaction, under the run's lock: entitled, in form, for exactly what was shown, and first. The answer,
the approvals it gives, the run's move and the task's history are all written, or none. Whoever comes second is told
who was first and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts import people
from app.accounts.people import Person
from app.actions import approve
from app.core.canonical import canonical
from app.core.entered import AGAIN
from app.core.errors import AlreadyAnswered, BadInput, NotEntitled, NotFound, Refused, Stale
from app.core.lifecycle import EventKind, Status
from app.core.run import Event, Run, Transition
from app.core.statuses import TaskKind, TaskStatus
from app.engine import fitting
from app.engine.runtime import Runtime
from app.engine.step import advance, persons
from app.humans import entitled, forms
from app.store.database import Connection
from app.store.human_tasks import handling, human_tasks
from app.store.human_tasks.rows import HumanTask, TaskInRun
from app.store.runs import budgets, carried, payloads, runs, verdicts

_STOPPED = {TaskKind.BUDGET: "stopped at its token budget", TaskKind.APPROVAL: "stopped for want of an approval"}
_TRIAGE = {"retry": EventKind.RETRIED, "redrive": EventKind.REDRIVEN, "fail": EventKind.FAILED_BY_OPERATOR}


@dataclass(frozen=True, slots=True)
class Completed:
    """An accepted completion."""

    task_id: UUID
    run_id: UUID
    outcome: str
    completed_by: str
    completed_at: datetime


def complete(
    rt: Runtime,
    task_id: UUID,
    *,
    by: str,
    outcome: str,
    answer: dict[str, Any],
    row_version: int | None = None,
    with_key: bool = False,
) -> Completed:
    """Complete a task. Raises NotFound, NotEntitled, AlreadyAnswered, Stale or BadInput naming the field.

    with_key: a program answers with somebody's API key, so nobody need be there: it approves no action.
    """
    payloads.boundary_text(answer, what="the answer")
    done, moved = rt.database.transact(
        lambda db: _complete(rt, db, task_id, by, outcome, answer, row_version, with_key)
    )
    advance.announce(rt, moved)
    return done


def _complete(
    rt: Runtime,
    db: Connection,
    task_id: UUID,
    by: str,
    outcome: str,
    answer: dict[str, Any],
    row_version: int | None,
    with_key: bool,
) -> tuple[Completed, list[advance.Moved]]:
    first = human_tasks.read(db, task_id)
    if first is None:
        raise NotFound(f"there is no human task {task_id}")
    if first.kind == TaskKind.BUDGET:  # which stands on the root run: both rows, in the order of all
        budgets.lock(db, first.run_id, budgets.root_of(db, first.run_id))
    run = advance.lock_or_refuse(db, first.run_id)
    task = human_tasks.read(db, task_id)  # again, now that nobody else can answer
    assert task is not None
    person = people.find(db, by)
    if task.completed_at and (task.completed_by, task.outcome) == (by, outcome) and _same(task, answer):
        return Completed(task_id, run.id, outcome, by, task.completed_at), []  # their own click again
    _check(task, person, outcome, row_version)
    if with_key and approve.chosen(task, outcome):
        raise NotEntitled(
            f"{outcome!r} approves {' and '.join(p['purpose'].replace('_', ' ') for p in approve.chosen(task, outcome))}, and no key "
            "can: the person must answer in their browser, where they show that they are there"
        )
    values = forms.validated(task.form, answer, outcome)
    given = _answer(rt, db, run, task, person, outcome, values)
    text = canonical(given)
    at = human_tasks.complete(db, task_id, outcome=outcome, answer=text, by=by)
    assert at is not None, "the run's lock keeps rivals out"
    handling.drop_drafts(db, task_id, by)
    human_tasks.add_event(db, task_id, run.id, "completed", f"person:{by}", canonical({"outcome": outcome}))
    happened = _happened(run, task, person, outcome, given, at)
    if not (task.kind == TaskKind.DOUBT and outcome == persons.AGAIN):
        return Completed(task_id, run.id, outcome, by, at), advance.apply(db, run, happened)
    moved = advance.apply(db, run, _anew(db, run, happened), also=_carry_over)
    return Completed(task_id, run.id, outcome, by, at), moved


def _anew(db: Connection, run: Run, happened: Event) -> Event:
    """The state is entered anew with what it was entered with at first, and with the calls that had their effect."""
    told = run.routes.get(persons.AGAIN, {}).get(persons.CARRIES)
    again = carried.anew(db, run.id, run.step_seq, through=None if told is None else int(told))
    return replace(happened, cause={**happened.cause, AGAIN: again})


def _carry_over(db: Connection, run: Run, to: Transition) -> None:
    if to.enters and to.cause[AGAIN]["through"]:
        carried.carry_over(db, run.id)


def _same(task: HumanTask, answer: Mapping[str, Any]) -> bool:
    """Whether an accepted answer says the same as one that comes again."""
    return {k: v for k, v in (task.answer or {})["values"].items() if k in answer} == dict(answer)


def _check(task: TaskInRun, person: Person, outcome: str, row_version: int | None) -> None:
    if task.status == TaskStatus.COMPLETED:
        assert task.completed_at is not None, "who completes a task says when"
        when = task.completed_at.strftime("%Y-%m-%d %H:%M:%S %Z")
        raise AlreadyAnswered(f"{task.completed_by} completed this task with {task.outcome!r} at {when}")
    if task.status != TaskStatus.OPEN:
        raise Refused(f"this task is {task.status.lower()}: its run has moved on")
    if row_version is not None and row_version != task.row_version:
        raise Stale("the task changed since you opened it; read it again, your text is kept in the form")
    if why_not := entitled.refusal(task, person):
        raise NotEntitled(why_not)
    if task.claimed_by not in (None, person.username):
        raise Refused(f"{task.claimed_by} is working on this task; they release it, or it returns by itself")
    if outcome not in task.outcomes:
        raise BadInput(f"outcome: {outcome!r} is not offered; choose one of {', '.join(task.outcomes)}")


def _answer(
    rt: Runtime, db: Connection, run: Run, task: HumanTask, person: Person, outcome: str, values: dict[str, Any]
) -> dict[str, Any]:
    """The answer as the next step will see it, with whatever it approves or corrects written beside."""
    proposals = approve.chosen(task, outcome)
    authority = approve.authority(db, task, person.username, proposals)
    given: dict[str, Any] = {
        "outcome": outcome,
        "by": person.username,
        "name": person.display_name,
        "roles": list(person.roles),
        "authority": authority,
        "task_id": task.id,
        "values": values,
    }
    if proposals:
        given["actions"] = {p["purpose"]: approve.approve(db, task, person.username, p, values) for p in proposals}
    if task.kind == TaskKind.UNKNOWN:
        _judge(db, run, task, person, outcome, values)
    if task.kind == TaskKind.BUDGET and outcome == persons.RAISE:
        budgets.allow_more(db, budgets.root_of(db, run.id), _tokens(values))
    if task.kind == TaskKind.DOUBT and values.get("data"):
        given["data"] = _correct(rt, db, run, values["data"])
    return given


def _judge(db: Connection, run: Run, task: HumanTask, person: Person, outcome: str, values: Mapping[str, Any]) -> None:
    """Write the verdict on a call of unknown outcome to its checkpoint."""
    assert task.call_seq is not None, "a task about an unknown outcome names its call"
    call = (run.id, task.step_seq, task.call_seq)
    if outcome == persons.DONE:
        result = canonical(values.get("result") or {"attested_by": person.username})
        settled = verdicts.happened(db, *call, output=result)
    else:
        settled = verdicts.did_not_happen(db, *call)
    if not settled:
        raise Refused("the call has been settled meanwhile")


def _tokens(values: Mapping[str, Any]) -> int:
    tokens = values.get("tokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 0 < tokens < 2**40:
        raise BadInput(f"tokens: say how many tokens more the run may use, such as 50000; {tokens!r} is no such number")
    return tokens


def _correct(rt: Runtime, db: Connection, run: Run, changes: Any) -> Any:
    """The run's data with a person's corrections, valid in the workflow's own type."""
    workflow = rt.workflows.find(run.workflow, run.workflow_version)
    if workflow is None:
        raise Refused(
            f"this process does not have {run.workflow} v{run.workflow_version}, so it cannot check corrected data"
        )
    merged = {**(runs.data_of(db, run.id) or {}), **forms.mapping(changes)}
    data = fitting.fitting_or_refuse(workflow.data, merged, what="data")
    runs.set_data(db, run.id, canonical(data))
    return data.model_dump(mode="json")


def _happened(run: Run, task: HumanTask, person: Person, outcome: str, given: Mapping[str, Any], at: datetime) -> Event:
    actor, comment = f"person:{person.username}", str(given["values"].get("comment", ""))[:500]
    if task.kind == TaskKind.TRIAGE:
        return Event(kind=_TRIAGE[outcome], actor=actor, reason=comment or outcome)
    if run.status is not Status.WAITING_FOR_HUMAN:
        raise Refused(f"the run is {run.status.value}; it does not wait for this answer")
    if task.kind in _STOPPED and outcome == persons.STOP:
        return Event(kind=EventKind.CANCELLED, actor=actor, reason=comment or _STOPPED[task.kind])
    cause = {"event": EventKind.ANSWERED.value, "answer": {**given, "at": at}}
    if "data" in given:
        cause["data"] = given["data"]
    return Event(
        kind=EventKind.ANSWERED,
        actor=actor,
        reason=f"{outcome}: {comment}" if comment else outcome,
        outcome=outcome,
        cause=cause,
    )
