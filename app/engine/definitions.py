"""A run is pinned to its version: the same version with another meaning is refused before any lease is taken."""

from __future__ import annotations

from app.core.errors import InvalidDefinition
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
