"""Links by which a claimant sends documents. The law: a link's secret is stored as its hash alone; whether it still lets
in is decided by the database's clock, in the statement that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.store import rows
from app.store.clock import BARE, within
from app.store.database import Connection
from app.store.rows import columns

_IN_WINDOW = within("r.since", "%(window)s", BARE)
_LIVE = "revoked_at IS NULL AND expires_at > (SELECT app_now())"


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadLink:
    """A link. asks: what it was made for, in the words of the letter. uploads: how often something was sent by it."""

    id: UUID
    run_id: UUID
    asks: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    uploads: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedLink(UploadLink):
    """A link, and whether it lets in now."""

    live: bool


_LINK = columns(UploadLink)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How often somebody has sent something in the present window, and in how many seconds it ends."""

    n: int
    ends_seconds: float


def insert(
    db: Connection, link_id: UUID, run_id: UUID, *, token_hash: str, asks: str, by: str, days: float
) -> datetime:
    """Keep a link; when it expires."""
    row = db.execute(
        """INSERT INTO upload_links (id, run_id, token_hash, asks, created_by, created_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, app_now(), app_now() + make_interval(secs => %s)) RETURNING expires_at""",
        [link_id, run_id, token_hash, asks, by, days * 86_400.0],
    ).fetchone()
    assert row is not None
    expires_at: datetime = row["expires_at"]
    return expires_at


def live(db: Connection, token_hash: str) -> UploadLink | None:
    """The link of this secret, if it lets in now."""
    row = db.execute(f"SELECT {_LINK} FROM upload_links WHERE token_hash = %s AND {_LIVE}", [token_hash]).fetchone()
    return UploadLink(**row) if row else None


def use(db: Connection, link_id: UUID) -> UUID | None:
    """Count a use of a link that lets in now; its run, or None. Locks it: whoever revokes it waits, or was first."""
    row = db.execute(
        f"UPDATE upload_links SET uploads = uploads + 1 WHERE id = %s AND {_LIVE} RETURNING run_id", [link_id]
    ).fetchone()
    return row["run_id"] if row else None


def revoke(db: Connection, link_id: UUID, by: str, *, run_id: UUID | None = None) -> UploadLink | None:
    """End a link (of this run, if one is named), now or as it was ended before; None if there is none."""
    row = db.execute(
        f"""UPDATE upload_links SET revoked_by = CASE WHEN revoked_at IS NULL THEN %(by)s ELSE revoked_by END,
                revoked_at = coalesce(revoked_at, app_now())
            WHERE id = %(id)s AND (%(run)s::uuid IS NULL OR run_id = %(run)s) RETURNING {_LINK}""",
        {"id": link_id, "by": by, "run": run_id},
    ).fetchone()
    return UploadLink(**row) if row else None


def of_run(db: Connection, run_id: UUID, *, limit: int = 50) -> list[ListedLink]:
    """The links of a run, newest first."""
    return rows.every(
        db,
        ListedLink,
        f"""SELECT {_LINK}, ({_LIVE}) AS live FROM upload_links WHERE run_id = %s
            ORDER BY created_at DESC LIMIT %s""",
        [run_id, limit],
    )


def count(db: Connection, who: str, *, window_seconds: float) -> Rate:
    """Count one more sending of somebody, and forget who has sent nothing for a day."""
    db.execute(
        """DELETE FROM upload_rates WHERE who IN (SELECT who FROM upload_rates
             WHERE since < (SELECT app_now()) - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED)"""
    )
    row = db.execute(
        f"""INSERT INTO upload_rates AS r (who, since, n) VALUES (%(who)s, app_now(), 1)
           ON CONFLICT (who) DO UPDATE SET
             n = CASE WHEN {_IN_WINDOW} THEN r.n + 1 ELSE 1 END,
             since = CASE WHEN {_IN_WINDOW} THEN r.since ELSE app_now() END
           RETURNING n, extract(epoch FROM since + make_interval(secs => %(window)s) - app_now())::float8 AS ends""",
        {"who": who, "window": window_seconds},
    ).fetchone()
    assert row is not None
    return Rate(n=row["n"], ends_seconds=max(0.0, row["ends"]))
