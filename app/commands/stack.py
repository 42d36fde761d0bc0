"""The stack: `up`, `down`, `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.output import console, emit, say
from app.commands.shell import ASKED_WRONGLY, read_settings
from app.stack.servers.errors import StackNotRunning

commands = typer.Typer()


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; return when all answers.")
    ] = False,
) -> None:
    """Start Postgres, Redis, workers, beat, Flower and the web pages, and keep them running."""
    from app.stack.display import table
    from app.stack.run import run_stack, start_detached

    settings = read_settings()
    if detach:
        console().print(table(start_detached(settings)))
    else:
        run_stack(settings)


@commands.command()
def down() -> None:
    """Stop the stack that runs on the data folder; every run waits in the database."""
    from app.stack.run import stop_stack

    stop_stack(read_settings().data_dir.absolute())
    say("stopped")


@commands.command()
def status(as_json: AsJson = False) -> None:
    """What runs where: every process with its state and process id. Exit code 2 if no stack runs."""
    from app.stack.display import table
    from app.stack.status import stack_status

    data_dir = read_settings().data_dir.absolute()
    found = stack_status(data_dir)
    if as_json:
        emit(found)
    if not found.running:
        if as_json:
            raise typer.Exit(ASKED_WRONGLY)
        raise StackNotRunning(data_dir)
    if not as_json:
        console().print(table(found))
