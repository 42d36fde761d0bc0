"""Which documents belong to which run; their bytes lie in the document store."""

from __future__ import annotations

from collections.abc import Mapping
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
