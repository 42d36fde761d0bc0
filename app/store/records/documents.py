"""Which documents belong to which run; their bytes lie in the document store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.store import rows
from app.store.database import Connection
from app.store.rows import columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document of a run. One that only the run's data names was not sent: uploaded_by and created_at are None, size may be."""

    sha256: str
    filename: str
    media_type: str | None = None
    size: int | None = None
    uploaded_by: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SentElsewhere:
    """Another subject that sent some of the same files, and where it stands. of: how many such subjects there are.

    action: its status, amount, currency and when it was executed (`at`), if one was begun.
    """

    subject: str
    sha256: Sequence[str]
    state: str
    status: str
    since: datetime
    action: Mapping[str, Any] | None
    of: int


def insert(
    db: Connection, document_id: UUID, run_id: UUID, *, sha256: str, filename: str, media_type: str, size: int, by: str
) -> None:
    """List a stored document under a run."""
    db.execute(
        """INSERT INTO documents (id, run_id, sha256, filename, media_type, size, uploaded_by, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, app_now())""",
        [document_id, run_id, sha256, filename, media_type, size, by],
    )


def of_run(db: Connection, run_id: UUID) -> list[Document]:
    """The documents of a run, oldest first."""
    return rows.every(
        db,
        Document,
        f"SELECT {columns(Document)} FROM documents WHERE run_id = %s ORDER BY created_at, filename",
        [run_id],
    )


def documents_of(db: Connection, run_id: UUID, data: Any) -> list[Document]:
    """The documents listed under a run, then those only its data names: letters it wrote, a child's document."""
    listed = {document.sha256: document for document in of_run(db, run_id)}
    for entry in _entries(data):
        sha256, filename = entry.get("sha256"), entry.get("filename")
        if isinstance(sha256, str) and isinstance(filename, str):
            named = Document(
                sha256=sha256, filename=filename, media_type=entry.get("media_type"), size=entry.get("size")
            )
            listed.setdefault(sha256, named)
    return list(listed.values())


def _entries(data: Any) -> list[Mapping[str, Any]]:
    """The records in a run's data, one level deep."""
    if not isinstance(data, Mapping):
        return []
    parts = [part for value in data.values() for part in (value if isinstance(value, list) else [value])]
    return [part for part in [data, *parts] if isinstance(part, Mapping)]


# Of `shared` subjects and their runs: where each stands. An action counts from its intent on: what may have happened is
# told as such, by its status.
WITH_STANDING = """r.state, r.status, r.created_at AS since, to_jsonb(a) AS action, count(*) OVER () AS of
FROM shared s
CROSS JOIN LATERAL (SELECT o.state, o.status, o.created_at FROM runs o WHERE o.id = ANY (s.runs)
    ORDER BY o.forked_from IS NOT NULL, o.created_at LIMIT 1) r
LEFT JOIN LATERAL (SELECT p.status, p.amount::text, p.currency, p.executed_at AS at FROM actions p
    WHERE p.run_id = ANY (s.runs) AND p.purpose = %(purpose)s AND p.status NOT IN ('PROPOSED', 'APPROVED', 'VOID')
    ORDER BY p.executed_at NULLS LAST LIMIT 1) a ON true
ORDER BY a.status IS NULL, r.created_at, s.subject LIMIT %(most)s"""
# An empty file is the same as every other, and says nothing. OFFSET 0 keeps the planner from reading `runs` from end to
# end instead.
_ELSEWHERE = f"""
WITH shared AS MATERIALIZED (
    SELECT r.subject, array_agg(DISTINCT r.id) AS runs, array_agg(DISTINCT d.sha256) AS sha256
    FROM documents d CROSS JOIN LATERAL (SELECT * FROM runs WHERE id = d.run_id OFFSET 0) r
    WHERE d.sha256 = ANY (%(sha256)s) AND d.size > 0
      AND r.workflow = %(workflow)s AND r.subject <> %(subject)s AND r.parent_run_id IS NULL
    GROUP BY r.subject)
SELECT s.subject, s.sha256, {WITH_STANDING}"""


def elsewhere(
    db: Connection, sha256: Sequence[str], *, workflow: str, subject: str, purpose: str, most: int
) -> list[SentElsewhere]:
    """Who else sent these files: other subjects of the workflow, those with an action of that purpose first, then the oldest.

    At most `most` of them.
    """
    asked = {"sha256": list(sha256), "workflow": workflow, "subject": subject, "purpose": purpose, "most": most}
    return rows.every(db, SentElsewhere, _ELSEWHERE, asked)
