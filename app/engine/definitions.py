"""What a workflow must be before any lease of its runs is taken.

The law: a run is pinned to its version, so the same version with another meaning is refused; and a workflow asks only roles
that somebody declares, or its tasks could be answered by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.core.declarations.roles import Roles
from app.core.errors import InvalidDefinition
from app.core.workflow import Human, State, Step, Workflow
from app.engine.runtime import Registry
from app.store.database import Connection
from app.store.runs import definitions


def check(db: Connection, workflows: Registry) -> None:
    """Raises InvalidDefinition if unfinished runs are pinned to another definition of a version we have."""
    for workflow in workflows:
        changed = definitions.register(db, workflow.name, workflow.version, workflow.definition_hash)
        if changed is not None:
            raise InvalidDefinition(
                f"{workflow.name} v{workflow.version} was changed ({changed}) while runs of it are unfinished; give the changed "
                f"definition version={workflow.version + 1} and keep v{workflow.version} registered until its runs have ended"
            )


def undeclared(workflows: Iterable[Workflow], roles: Roles, *, application: str) -> list[str]:
    """The roles that workflows ask and nobody declares, a sentence each. application: what its setting says."""
    return [
        f"{workflow.name} v{workflow.version} asks the role {role!r} in {state.name}, which nobody declares; the roles are "
        f"{', '.join(roles.names)}. Declare it in `roles` of the application ({application})"
        for workflow in workflows
        for state in workflow.states
        if (role := _asked(state)) is not None and role not in roles.names
    ]


def _asked(state: State) -> str | None:
    """Who a state asks, or would ask when in doubt."""
    if isinstance(state, Human):
        return state.role
    return state.doubts_to if isinstance(state, Step) else None
