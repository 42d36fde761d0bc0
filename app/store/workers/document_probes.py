"""Which host has written which probe document, and which worker cannot read another host's."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.store.database import Connection


def note(db: Connection, host: str, sha256: str) -> None:
    """A host has written its probe into what it takes for everybody's store."""
    db.execute(
        """INSERT INTO document_probes (sha256, host, written_at) VALUES (%s, %s, app_now())
           ON CONFLICT (sha256) DO UPDATE SET written_at = app_now()""",
        [sha256, host],
    )


def of_living(db: Connection) -> list[tuple[str, str]]:
    """(host, hash) of the probe each host with a living worker wrote last."""
    rows = db.execute(
        """SELECT DISTINCT ON (p.host) p.host, p.sha256 FROM document_probes p
           WHERE EXISTS (SELECT 1 FROM workers w WHERE w.host = p.host AND w.gone_at IS NULL) ORDER BY p.host, p.written_at DESC"""
    ).fetchall()
    return [(row["host"], row["sha256"]) for row in rows]


def cannot_read(db: Connection, worker_id: UUID, hosts: Sequence[str]) -> None:
    """Whose documents a worker cannot read; none, where all is well."""
    db.execute("UPDATE workers SET cannot_read = %s WHERE id = %s", [list(hosts), worker_id])
