"""What each version of a workflow was when it was first run."""

from __future__ import annotations

from app.store.database import Connection

_REGISTER = """
INSERT INTO workflow_definitions AS d (workflow, version, definition_hash, first_seen) VALUES (%(name)s, %(version)s, %(hash)s, app_now())
ON CONFLICT (workflow, version) DO UPDATE SET definition_hash = excluded.definition_hash, first_seen = excluded.first_seen
WHERE d.definition_hash <> excluded.definition_hash AND NOT EXISTS (
    SELECT 1 FROM runs r WHERE r.workflow = %(name)s AND r.workflow_version = %(version)s
      AND r.status NOT IN ('COMPLETE', 'FAILED', 'CANCELLED'))"""


def register(db: Connection, name: str, version: int, definition_hash: str) -> bool:
    """Register a definition; False if unfinished runs are pinned to another one of the same version."""
    params = {"name": name, "version": version, "hash": definition_hash}
    db.execute(_REGISTER, params)
    row = db.execute(
        "SELECT definition_hash FROM workflow_definitions WHERE workflow = %(name)s AND version = %(version)s", params
    ).fetchone()
    return row is not None and row["definition_hash"] == definition_hash
