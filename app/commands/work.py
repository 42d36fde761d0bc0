"""What people tell a run: `signal`, `tasks`, `complete`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from app.commands.answers import answer_of, payload_of
from app.commands.output import emit, say, show_table
from app.commands.reading import AsJson, RunName
from app.commands.shell import named, opened, person, reading, run_named
from app.core.errors import BadInput, NotFound
from app.core.values.durations import spoken

if TYPE_CHECKING:
    from app.engine.runtime import Runtime

commands = typer.Typer()
As = Annotated[str | None, typer.Option("--as", metavar="USER", help="Who does it; your login name if not given.")]


@commands.command()
def signal(
    run: RunName,
    name: Annotated[str, typer.Argument(help="The signal's name, as the workflow waits for it.")],
    payload: Annotated[str | None, typer.Option(help="JSON, or @FILE with JSON.")] = None,
    signal_id: Annotated[
        str | None, typer.Option("--id", help="The same id and payload again change nothing; made up if not given.")
    ] = None,
    user: As = None,
    as_json: AsJson = False,
) -> None:
    """Send a run a message; it is kept until a wait names it."""
    from app.engine.control import signals

    content = payload_of(payload, what="--payload") if payload is not None else None
    chosen = signal_id or f"cli-{uuid4()}"
    with opened() as rt:
        run_id = run_named(rt.database, run)
        new = signals.signal(rt, run_id, name, content, signal_id=chosen, actor=person(user))
        waits = _waits(rt, run_id)
    if as_json:
        emit({"run_id": run_id, "name": name, "signal_id": chosen, "new": new})
    else:
        say(f"{'kept' if new else 'was kept before:'} signal {name} {chosen} of run {run_id}")
        if waits is not None and name not in waits:
            say(
                f"no state of this workflow waits for {name!r}; its waits are for: {', '.join(sorted(waits)) or 'nothing'}"
            )


@commands.command()
def tasks(
    role: Annotated[list[str] | None, typer.Option(help="Only tasks for this role; may be repeated.")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only tasks of this run.")] = None,
    as_json: AsJson = False,
) -> None:
    """The open human tasks, oldest first, and who may answer them."""
    from app.store.human_tasks import task_list
    from app.store.reads import situation

    with reading() as database:
        wanted = task_list.TaskFilter(
            roles=tuple(role) if role else None, run=run_named(database, run) if run else None
        )
        found = database.transact(lambda db: task_list.page(db, wanted))
        able = database.transact(lambda db: situation.able(db, sorted({task.role for task in found})))
        may = {t.id: [p.username for p in able[t.role] if p.username not in t.not_by] for t in found}
        if as_json:
            whole = database.transact(lambda db: task_list.whole(db, wanted))
            emit([asdict(task) | {"may_answer": may[task.id]} for task in whole if task.id in may])
            return
    rows = [
        (
            t.id,
            t.subject,
            t.role,
            t.title,
            ", ".join(t.outcomes),
            spoken(t.age_seconds),
            t.claimed_by or ", ".join(may[t.id]) or "nobody has the role",
        )
        for t in found
    ]
    show_table(("task", "subject", "role", "title", "outcomes", "waits", "may answer"), rows, empty="no open tasks")


@commands.command()
def complete(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="A task's id, a unique beginning of it, or a run with one open task.")
    ],
    outcome: Annotated[str, typer.Option(help="One of the task's outcomes.")],
    user: Annotated[str, typer.Option("--as", metavar="USER", help="The person who answers.")],
    answer: Annotated[str | None, typer.Option(help="The whole answer: JSON, or @FILE with JSON.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="One field, on top of what the form starts with; may be repeated."
        ),
    ] = None,
    row_version: Annotated[
        int | None, typer.Option(help="Refuse if the task changed since this version was read.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Complete a human task with an answer; the run it belongs to goes on."""
    from app.humans import complete as humans
    from app.store.human_tasks import human_tasks

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        shown = rt.database.transact(lambda db: human_tasks.read(db, task_id))
        if shown is None:
            raise NotFound(f"there is no human task {task_id}")
        values = answer_of(shown, answer, fields or [])
        done = humans.complete(rt, task_id, by=user, outcome=outcome, answer=values, row_version=row_version)
    if as_json:
        emit(done)
    else:
        say(f"{done.completed_by} completed task {done.task_id} of run {done.run_id} with {done.outcome!r}")


def _waits(rt: Runtime, run_id: UUID) -> set[str] | None:
    """The names of the signals that a run's workflow waits for; None if this process does not have the workflow."""
    from app.core.workflow import Wait
    from app.store.reads import glance

    run = rt.database.transact(lambda db: glance.one(db, run_id))
    workflow = rt.workflows.find(run.workflow, run.workflow_version)
    return None if workflow is None else {state.event for state in workflow.states if isinstance(state, Wait)}


def task_named(db: Any, text: str) -> UUID:
    """The task a person means. Raises NotFound, or BadInput naming the tasks it could be."""
    from app.store.human_tasks import human_tasks, task_list
    from app.store.human_tasks.task_list import TaskFilter

    try:
        exact = UUID(text.strip())
    except ValueError:
        exact = None
    if exact and human_tasks.read(db, exact) is not None:
        return exact
    found = [task for task in task_list.page(db, TaskFilter()) if str(task.id).startswith(text.strip().lower())]
    if not found:
        try:
            found = task_list.page(db, TaskFilter(run=named(db, text)))
        except NotFound:
            raise NotFound(f"there is no open task or run {text!r}; `longhaul tasks` lists what is open") from None
    if not found:
        raise NotFound(f"the run {text!r} has no open task")
    if len(found) > 1:
        could = "; ".join(f"{task.id} ({task.role}: {task.title})" for task in found[:5])
        raise BadInput(f"{text!r} could be any of these tasks, give an id: {could}")
    return found[0].id
