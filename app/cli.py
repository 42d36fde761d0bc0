"""`longhaul`: the command line. The commands stand in `app.commands`, one file per group; this puts them together."""

from __future__ import annotations

import gc
import os

import typer

from app.application import named
from app.commands import desk, evidence, keys, operate, people, reading, stack, upkeep, work
from app.commands.shell import Commands
from app.core.errors import BadInput
from app.settings import Settings

app = typer.Typer(
    name="longhaul",
    help="Long-running agents on Celery and Postgres: start them, look at them, answer them, mend them.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _added() -> tuple[typer.Typer, ...]:
    """What the application adds. One that cannot be loaded adds nothing here: the command says what is wrong."""
    try:
        return tuple(
            named(os.environ.get("LONGHAUL_APPLICATION") or Settings.model_fields["application"].default).commands()
        )
    except BadInput:
        return ()


for group in (
    stack.commands,
    *_added(),
    *(module.commands for module in (work, desk, reading, evidence, operate, people, keys, upkeep)),
):
    app.add_typer(group)


def main() -> None:
    """The entry point of the `longhaul` program."""
    gc.freeze()  # what is loaded stays: to look through it again and again takes a fifth of a command's time
    app()


if __name__ == "__main__":
    main()
