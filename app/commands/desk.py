"""Working at a human task before it is completed: `claim`, `release`, `take-over`, `delegate`, `snooze`, `unsnooze`, `comment`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands.output import say
from app.commands.shell import opened
from app.commands.work import task_named
from app.core.errors import BadInput

commands = typer.Typer()
TaskName = Annotated[
    str, typer.Argument(metavar="TASK", help="A task's id, a unique beginning of it, or a run with one open task.")
]
By = Annotated[str, typer.Option("--as", metavar="USER", help="The person who does it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the task's history.")]


@commands.command()
def claim(task: TaskName, user: By) -> None:
    """Claim a task, so that others leave it alone."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.claim(rt, task_id, by=user)
    say(f"{user} has claimed task {task_id}")


@commands.command()
def release(task: TaskName, user: By) -> None:
    """Release a claimed task to everybody of its role."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.release(rt, task_id, by=user)
    say(f"task {task_id} is released")


@commands.command("take-over")
def take_over(task: TaskName, user: By, reason: Why) -> None:
    """Take a task over from whoever claimed it: a right of its own."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.take_over(rt, task_id, by=user, reason=reason)
    say(f"{user} has taken over task {task_id}")


@commands.command()
def delegate(
    task: TaskName, to: Annotated[str, typer.Option(metavar="USER", help="Who may answer it.")], user: By, reason: Why
) -> None:
    """Delegate a task to a colleague: by whoever claimed it, or by a supervisor."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.delegate(rt, task_id, by=user, to=to, reason=reason)
    say(f"task {task_id} is delegated to {to}")


@commands.command()
def snooze(
    task: TaskName,
    until: Annotated[str, typer.Option(metavar="TIME", help="2026-03-01T09:00:00+01:00; UTC if no zone is named.")],
    user: By,
    reason: Why,
) -> None:
    """Snooze a task until a time; it stays the person's, and its clocks go on."""
    from app.humans import desk

    when = _moment(until)
    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.snooze(rt, task_id, by=user, until=when, reason=reason)
    say(f"task {task_id} is snoozed until {when.isoformat()}")


@commands.command()
def unsnooze(task: TaskName, user: By) -> None:
    """End a task's snooze before its time."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.unsnooze(rt, task_id, by=user)
    say(f"task {task_id} is snoozed no more")


@commands.command()
def comment(
    task: TaskName, text: Annotated[str, typer.Argument(help="For whoever works on the task; never changed.")], user: By
) -> None:
    """Note something on a task."""
    from app.humans import desk

    with opened() as rt:
        task_id = rt.database.transact(lambda db: task_named(db, task))
        desk.comment(rt, task_id, by=user, body=text)
    say(f"noted on task {task_id}")


def _moment(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"--until: {text!r} is no time; write 2026-03-01T09:00:00+01:00") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
