"""Keeping an installation well: `diagram`, `check`, `doctor`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app.commands.output import emit, say, show_table
from app.commands.reading import AsJson
from app.commands.shell import REFUSED, configured, opened, read_settings
from app.core.errors import BadInput, NotFound
from app.settings import Settings

commands = typer.Typer()


@commands.command()
def diagram(
    workflow: Annotated[str | None, typer.Argument(metavar="WORKFLOW", help="A workflow's name.")] = None,
    version: Annotated[int | None, typer.Option(help="The newest if not given.")] = None,
    lifecycle: Annotated[
        bool, typer.Option("--lifecycle", help="How any run may move, instead of a workflow.")
    ] = False,
) -> None:
    """Draw a workflow, or the lifecycle of every run, as Mermaid text."""
    from app.application import workflows
    from app.core.diagram import lifecycle_diagram, workflow_diagram
    from app.engine.runtime import Registry

    if lifecycle == (workflow is not None):
        raise BadInput("name one workflow, or give --lifecycle")
    if workflow is None:
        text = lifecycle_diagram()
    else:
        registry = Registry(workflows(read_settings()))
        newest = registry.newest(workflow)
        found = newest if version is None else registry.find(workflow, version)
        if found is None:
            raise NotFound(f"there is no {workflow} v{version}; the newest is v{newest.version}")
        text = workflow_diagram(found)
    sys.stdout.write(text)


@commands.command()
def check(as_json: AsJson = False) -> None:
    """List the unfinished runs that these workflows would strand; ask before you deploy. Exit code 1 if any."""
    from app.engine.control.stranded import stranded
    from app.store import installation

    with opened() as rt:
        unfinished = rt.database.transact(installation.unfinished)
        found = stranded(unfinished, rt.workflows)
    if as_json:
        emit({"unfinished": len(unfinished), "stranded": found})
    elif found:
        rows = [(s.run_id, s.subject, f"{s.workflow} v{s.workflow_version}", s.state, s.status, s.why) for s in found]
        show_table(("run", "subject", "workflow", "state", "status", "why"), rows, empty="")
    else:
        say(f"none of {len(unfinished)} unfinished runs would be stranded")
    if found:
        raise typer.Exit(REFUSED)


@commands.command()
def doctor(as_json: AsJson = False) -> None:
    """Check everything runs need, and say what to do about each problem. Exit code 1 if there is any."""
    from app.application import workflows
    from app.doctor import Patient, examine
    from app.documents import probe
    from app.engine.runtime import Registry
    from app.stack import outside
    from app.store.database import Database
    from app.sweeps import periods

    config = configured()
    database = Database(config.database_url, "owner") if config.database_url else None
    checks = examine(
        Patient(
            settings=config,
            workflows=Registry(workflows(config)),
            periods=periods(config),
            database=database,
            provider=lambda: _provider(config),
            undeclared=lambda: _undeclared(config),
            unread=lambda db: probe.tried(config, db),
            outside=outside.checks(config),
        )
    )
    if database is not None:
        database.close()
    if as_json:
        emit({"ok": all(check.ok for check in checks), "checks": checks})
    else:
        for check in checks:
            mark, remedy = ("ok     ", "") if check.ok else ("PROBLEM", f"; {check.remedy}" if check.remedy else "")
            say(f"{mark}  {check.name:<12} {check.seen}{remedy}")
    if not all(check.ok for check in checks):
        raise typer.Exit(REFUSED)


def _undeclared(config: Settings) -> list[str]:
    """The roles that the workflows ask and nobody declares."""
    from app.application import roles, workflows
    from app.engine.definitions import undeclared

    return undeclared(workflows(config), roles(config), application=config.application)


def _provider(config: Settings) -> str:
    """Who answers prompts, made as a worker makes them; a local model is asked whether it is there. Raises what is wrong."""
    import httpx

    from app.agents.provider import Models
    from app.application import installed

    Models(config, installed(config).rules())
    others = ", ".join(f"{spec} for {name}" for name, spec in config.providers.items())
    said = config.provider + (f", but {others}" if others else "")
    if config.local_model_url:
        httpx.get(f"{config.local_model_url}/models", timeout=2.0, trust_env=False).raise_for_status()
        said += f"; the local model at {config.local_model_url} answers"
    return said
