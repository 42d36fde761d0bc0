"""What an evidence pack holds of a run, read row by row.

The law: whole rows, as they are stored, in an order that does not change; no token or secret among them. Everything is read
in the caller's snapshot, so that no two files of a pack are of two moments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from app.core.errors import NotFound
from app.store.database import Connection
from app.store.records.documents import documents_of
from app.store.runs import payloads

_AT_ONCE = 50  # rows fetched together: each may hold half a megabyte
_SECRET = frozenset({"lease_token", "move_id", "token_hash"})  # of a lease taken the move's id is the lease's token

RECORDS: Mapping[str, str] = {
    "transitions": "SELECT * FROM transitions WHERE run_id = %s ORDER BY seq",
    "checkpoints": "SELECT * FROM checkpoints WHERE run_id = %s ORDER BY step_seq, call_seq",
    "messages": "SELECT * FROM messages WHERE run_id = %s ORDER BY created_at, sha256",
    "human_tasks": "SELECT * FROM human_tasks WHERE run_id = %s ORDER BY created_at, id",
    "human_task_events": "SELECT * FROM human_task_events WHERE run_id = %s ORDER BY seq",
    "human_task_comments": """SELECT c.* FROM human_task_comments c JOIN human_tasks t ON t.id = c.task_id
        WHERE t.run_id = %s ORDER BY c.created_at, c.id""",
    "signals": "SELECT * FROM signals WHERE run_id = %s ORDER BY seq",
    "actions": "SELECT * FROM actions WHERE run_id = %s ORDER BY created_at, id",
    "approvals": """SELECT p.* FROM approvals p JOIN actions a ON a.id = p.action_id
        WHERE a.run_id = %s ORDER BY p.created_at, p.id""",
    "alerts": "SELECT * FROM alerts WHERE run_id = %s ORDER BY opened_at, id",
    "dead_letters": "SELECT * FROM dead_letters WHERE run_id = %s ORDER BY created_at, id",
    "upload_links": "SELECT * FROM upload_links WHERE run_id = %s ORDER BY created_at, id",
}
"""Each kind of record, and how the rows of one run are read."""

_RUN = "SELECT r.* FROM runs r WHERE r.id = %s"
_DATA = "SELECT data, updated_at FROM run_data WHERE run_id = %s"
_NAMES = "SELECT name, kind, created_at FROM run_names WHERE run_id = %s ORDER BY kind, name"
_DOCUMENTS = "SELECT * FROM documents WHERE run_id = %s ORDER BY created_at, id"
_DEFINITION = "SELECT * FROM workflow_definitions WHERE (workflow, version) = (%s, %s)"
_DESCENDANTS = """
WITH RECURSIVE kin AS (
    SELECT id, 0 AS depth FROM runs WHERE id = %(id)s
    UNION ALL SELECT r.id, kin.depth + 1 FROM runs r JOIN kin ON r.parent_run_id = kin.id)
SELECT id FROM kin WHERE depth > 0 ORDER BY depth, id"""
_BLOBS = """
SELECT v.p ->> '$blob' AS sha256 FROM checkpoints c, LATERAL (VALUES (c.input), (c.output)) AS v(p)
WHERE c.run_id = ANY (%(runs)s) AND v.p ? '$blob'
UNION SELECT m.content ->> '$blob' FROM messages m WHERE m.run_id = ANY (%(runs)s) AND m.content ? '$blob' ORDER BY sha256"""


def run(db: Connection, run_id: UUID) -> dict[str, Any]:
    """The run's row with its data, its other names and its pinned definition. Raises NotFound."""
    row = db.execute(_RUN, [run_id]).fetchone()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    held = db.execute(_DATA, [run_id]).fetchone()
    return {
        "run": _shown(row),
        "data": held["data"] if held else None,
        "data_updated_at": held["updated_at"] if held else None,
        "names": db.execute(_NAMES, [run_id]).fetchall(),
        "definition": db.execute(_DEFINITION, [row["workflow"], row["workflow_version"]]).fetchone(),
    }


def descendants(db: Connection, run_id: UUID) -> list[UUID]:
    """The run's children, then their children, and so on."""
    return [row["id"] for row in db.execute(_DESCENDANTS, {"id": run_id}).fetchall()]


def records(db: Connection, kind: str, run_id: UUID) -> Iterator[dict[str, Any]]:
    """The rows of one kind of a run, a few at a time however many there are."""
    with db.cursor(name=f"evidence_{kind}") as cursor:
        cursor.itersize = _AT_ONCE
        for row in cursor.execute(RECORDS[kind], [run_id]):
            yield _shown(row)


def documents(db: Connection, run_id: UUID, data: Any) -> list[dict[str, Any]]:
    """Every time a document came in, then those only the run's data names: letters it wrote, a child's document."""
    listed = db.execute(_DOCUMENTS, [run_id]).fetchall()
    hashes = {row["sha256"] for row in listed}
    named = [
        {"run_id": run_id, **{name: getattr(document, name) for name in ("sha256", "filename", "media_type", "size")}}
        for document in documents_of(db, run_id, data)
        if document.sha256 not in hashes
    ]
    return [*listed, *named]


def blobs(db: Connection, run_ids: list[UUID]) -> list[str]:
    """The hashes of what these runs keep by reference."""
    return [row["sha256"] for row in db.execute(_BLOBS, {"runs": run_ids}).fetchall()]


def blob(db: Connection, sha256: str) -> bytes | None:
    """What is kept under a hash."""
    row = db.execute("SELECT content FROM blobs WHERE sha256 = %s", [sha256]).fetchone()
    return payloads.CODEC.unpack(bytes(row["content"])) if row else None


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _SECRET}
