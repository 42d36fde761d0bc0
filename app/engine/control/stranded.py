"""Which runs this installation's workflows would strand. Asked before a deploy, by `longhaul check`.

The law: a run is pinned to its version and its definition. Remove the version, or change it without raising it, and
whoever is woken tomorrow finds no code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.core.definition import difference
from app.core.lifecycle import Status
from app.engine.runtime import Registry
from app.store.installation import Unfinished


@dataclass(frozen=True, slots=True)
class Stranded:
    """A run that would never move again, and why."""

    run_id: UUID
    subject: str
    workflow: str
    workflow_version: int
    state: str
    status: Status
    why: str


def stranded(runs: Iterable[Unfinished], workflows: Registry) -> list[Stranded]:
    """Those of the unfinished runs that `workflows` cannot carry on."""
    return [
        Stranded(
            run_id=run.id,
            subject=run.subject,
            workflow=run.workflow,
            workflow_version=run.workflow_version,
            state=run.state,
            status=run.status,
            why=why,
        )
        for run in runs
        if (why := _why(run, workflows))
    ]


def _why(run: Unfinished, workflows: Registry) -> str | None:
    name, version = run.workflow, run.workflow_version
    workflow = workflows.find(name, version)
    if workflow is None:
        return f"there is no {name} v{version} here; keep it beside the new version until its runs have ended"
    # The run's own may come from a release that hashed less; what its version has meant since then is registered.
    for known_as in (run.definition_hash, run.registered):
        if known_as is not None and (changed := difference(known_as, workflow.definition_hash)):
            return f"{name} v{version} is not the definition it began with ({changed}); give the changed one the next version"
    known = {*workflow.by_name, *workflow.endings}
    needed = {run.state, *(route["state"] for route in run.routes.values())}
    if missing := sorted(needed - known):
        return f"{name} v{version} has no state {', '.join(missing)}; put it back"
    return None
