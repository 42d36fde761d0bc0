"""`longhaul`: the command line. The commands stand in `app.commands`, one file per group; this puts them together."""

from __future__ import annotations

import typer

from app.commands import desk, evidence, keys, operate, people, reading, stack, upkeep, work
from app.commands.shell import Commands
from app.insurance.claimant import invite

app = typer.Typer(
    name="longhaul",
    help="Long-running agents on Celery and Postgres: start them, look at them, answer them, mend them.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (stack, work, desk, invite, reading, evidence, operate, people, keys, upkeep):
    app.add_typer(group.commands)


def main() -> None:
    """The entry point of the `longhaul` program."""
    app()


if __name__ == "__main__":
    main()
