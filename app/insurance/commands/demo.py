"""The demonstration: `demo`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from app.commands.shell import read_settings

commands = typer.Typer()


class Model(StrEnum):
    """Who reads the documents of the demo."""

    OFFLINE = "offline"
    LOCAL = "local"


@commands.command()
def demo(
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="Stop when every claim has come to rest, instead of staying up.")
    ] = False,
    model: Annotated[
        Model, typer.Option(help="Who reads the documents: rules alone, or the small model on this machine as well.")
    ] = Model.OFFLINE,
) -> None:
    """Run the insurance claims demonstration: sample claims, from notice to letter, some of them left for you."""
    from app.insurance.demo.run import main

    read_settings()
    raise typer.Exit(main(exit_when_done=exit_when_done, local=model is Model.LOCAL))
