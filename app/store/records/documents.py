"""Which documents belong to which run; their bytes lie in the document store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.store.database import Connection


def insert(db: Connection, document_id: UUID, run_id: UUID, stored: Mapping[str, Any], by: str) -> None:
    """List a stored document under a run."""
    db.execute(
        """INSERT INTO documents (id, run_id, sha256, filename, media_type, size, uploaded_by, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, app_now())""",
        [document_id, run_id, stored["sha256"], stored["filename"], stored["media_type"], stored["size"], by],
    )


def of_run(db: Connection, run_id: UUID) -> list[dict[str, Any]]:
    """The documents of a run, oldest first."""
    return db.execute("SELECT * FROM documents WHERE run_id = %s ORDER BY created_at, filename", [run_id]).fetchall()


def documents_of(db: Connection, run_id: UUID, data: Any) -> list[Mapping[str, Any]]:
    """The documents listed under a run, then those only its data names: letters it wrote, a child's document."""
    listed: dict[str, Mapping[str, Any]] = {row["sha256"]: row for row in of_run(db, run_id)}
    for entry in _entries(data):
        if isinstance(entry.get("sha256"), str) and isinstance(entry.get("filename"), str):
            listed.setdefault(entry["sha256"], {"size": None, "created_at": None, "uploaded_by": None, **entry})
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
) -> list[dict[str, Any]]:
    """Who else sent these files: other subjects of the workflow, those with an action of that purpose first, then the oldest.

    At most `most` of them; `of` says how many there are. `sha256`: the files shared. `action`: its status, amount, currency
    and when it was executed, if one was begun.
    """
    asked = {"sha256": list(sha256), "workflow": workflow, "subject": subject, "purpose": purpose, "most": most}
    return db.execute(_ELSEWHERE, asked).fetchall()
