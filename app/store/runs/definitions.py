"""What each version of a workflow was when it was first run."""

from __future__ import annotations

from typing import Any

from app.core.definition import difference
from app.core.lifecycle import ENDED
from app.store.database import Connection
from app.store.rows import literals

_INSERT = """
INSERT INTO workflow_definitions (workflow, version, definition_hash, first_seen) VALUES (%(name)s, %(version)s, %(hash)s, app_now())
ON CONFLICT (workflow, version) DO NOTHING"""
_LOCK = (
    "SELECT definition_hash FROM workflow_definitions WHERE workflow = %(name)s AND version = %(version)s FOR UPDATE"
)
_REPLACE = """
UPDATE workflow_definitions SET definition_hash = %(hash)s, first_seen = CASE WHEN %(same)s THEN first_seen ELSE app_now() END
WHERE workflow = %(name)s AND version = %(version)s"""
_UNFINISHED = f"""
SELECT 1 FROM runs WHERE workflow = %(name)s AND workflow_version = %(version)s
  AND status NOT IN ({literals(ENDED)}) LIMIT 1"""


def register(db: Connection, name: str, version: int, definition_hash: str) -> str | None:
    """Register a definition; if unfinished runs are pinned to one of another meaning, what differs, in words.

    One that means the same takes the place of the one there is: an earlier release hashed fewer things, another release
    of pydantic writes schemas otherwise.
    """
    params: dict[str, Any] = {"name": name, "version": version, "hash": definition_hash}
    with db.transaction():
        db.execute(_INSERT, params)
        row = db.execute(_LOCK, params).fetchone()
        assert row is not None, "it was inserted, and nobody deletes definitions"
        if row["definition_hash"] == definition_hash:
            return None
        changed = difference(row["definition_hash"], definition_hash)
        if changed and db.execute(_UNFINISHED, params).fetchone():
            return changed
        db.execute(_REPLACE, {**params, "same": not changed})
    return None
