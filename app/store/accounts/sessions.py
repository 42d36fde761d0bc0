"""What people are let in by: sessions, one-time links, and how often it failed. The law: a secret is known by its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.store import rows
from app.store.clock import silence, within
from app.store.database import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSession:
    """A session that lets in now, with its person: when they proved who they are, if ever, and were last seen.

    Both in seconds ago, without end if that lies in the future.
    """

    id_hash: str
    csrf: str
    username: str
    display_name: str
    roles: Sequence[str]
    authority: Decimal
    has_password: bool
    proven_seconds: float | None
    unseen_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSession:
    """A session as its person sees it. let_in_by: what they signed in with. agent: the browser's own name."""

    id_hash: str
    let_in_by: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def begin(
    db: Connection,
    id_hash: str,
    *,
    username: str,
    csrf: str,
    let_in_by: str,
    lasts_seconds: float,
    agent: str,
    proven: bool = True,
) -> None:
    """Write a new session, proven just now unless it is not; forget the person's long expired ones."""
    db.execute(
        "DELETE FROM sessions WHERE username = %s AND expires_at < (SELECT app_now()) - interval '1 day'", [username]
    )
    db.execute(
        """INSERT INTO sessions (id_hash, username, csrf, created_at, seen_at, expires_at, stepped_up_at, let_in_by, agent)
           VALUES (%s, %s, %s, app_now(), app_now(), app_now() + make_interval(secs => %s),
               CASE WHEN %s THEN app_now() END, %s, %s)""",
        [id_hash, username, csrf, lasts_seconds, proven, let_in_by, agent],
    )


def find(db: Connection, id_hash: str, *, idle_seconds: float) -> LiveSession | None:
    """The session of this token's hash, if it lets in now."""
    row = db.execute(
        f"""SELECT s.id_hash, s.csrf, u.username, u.display_name, u.roles, u.authority,
               u.password_hash IS NOT NULL AS has_password,
               {silence("s.stepped_up_at")} AS proven_seconds, {silence("s.seen_at")} AS unseen_seconds
           FROM sessions s JOIN users u ON u.username = s.username
           WHERE s.id_hash = %s AND s.expires_at > app_now() AND s.seen_at > app_now() - make_interval(secs => %s)
             AND u.disabled_at IS NULL""",
        [id_hash, idle_seconds],
    ).fetchone()
    return LiveSession(**row) if row else None


def touch(db: Connection, id_hash: str) -> None:
    """The session was used just now."""
    db.execute("UPDATE sessions SET seen_at = app_now() WHERE id_hash = %s", [id_hash])


def prove(db: Connection, id_hash: str) -> None:
    """The person proved just now who they are."""
    db.execute("UPDATE sessions SET stepped_up_at = app_now() WHERE id_hash = %s", [id_hash])


def end(db: Connection, id_hash: str) -> None:
    """End one session."""
    db.execute("DELETE FROM sessions WHERE id_hash = %s", [id_hash])


def end_all(db: Connection, username: str, *, but: str = "") -> int:
    """End a person's sessions, all `but` one; how many."""
    return db.execute("DELETE FROM sessions WHERE username = %s AND id_hash <> %s", [username, but]).rowcount


def of(db: Connection, username: str) -> list[OpenSession]:
    """A person's live sessions, the newest first."""
    return rows.every(
        db,
        OpenSession,
        """SELECT id_hash, let_in_by, agent, created_at, seen_at, expires_at FROM sessions
           WHERE username = %s AND expires_at > app_now() ORDER BY created_at DESC LIMIT 50""",
        [username],
    )


def add_link(db: Connection, token_hash: str, *, username: str, by: str, lasts_seconds: float) -> None:
    """Write a one-time link; forget those that expired long ago."""
    db.execute("DELETE FROM sign_in_links WHERE expires_at < (SELECT app_now()) - interval '30 days'")
    db.execute(
        """INSERT INTO sign_in_links (token_hash, username, created_by, created_at, expires_at)
           VALUES (%s, %s, %s, app_now(), app_now() + make_interval(secs => %s))""",
        [token_hash, username, by, lasts_seconds],
    )


_USABLE = """token_hash = %s AND used_at IS NULL AND expires_at > app_now()
    AND EXISTS (SELECT 1 FROM users u WHERE u.username = l.username AND u.disabled_at IS NULL)"""


def link_for(db: Connection, token_hash: str) -> str | None:
    """Whom a link that can still be used lets in."""
    row = db.execute(f"SELECT username FROM sign_in_links l WHERE {_USABLE}", [token_hash]).fetchone()
    return row["username"] if row else None


def use_link(db: Connection, token_hash: str) -> str | None:
    """Use a link up: whom it lets in; None if it cannot be used, or not any more. One row decides."""
    row = db.execute(
        f"UPDATE sign_in_links l SET used_at = app_now() WHERE {_USABLE} RETURNING username", [token_hash]
    ).fetchone()
    return row["username"] if row else None


def failed(db: Connection, who: str) -> None:
    """Count a failed attempt; forget those of yesterday."""
    db.execute("DELETE FROM failed_attempts WHERE who = %s AND at < (SELECT app_now()) - interval '1 day'", [who])
    db.execute("INSERT INTO failed_attempts (who, at) VALUES (%s, app_now())", [who])


def forgiven(db: Connection, who: str) -> None:
    """Forget somebody's failed attempts: they proved who they are."""
    db.execute("DELETE FROM failed_attempts WHERE who = %s", [who])


def wait_seconds(db: Connection, who: str, *, most: int, within_seconds: float) -> float:
    """How long until somebody with `most` failures within a time may try again; 0: now."""
    row = db.execute(
        f"""SELECT extract(epoch FROM at + make_interval(secs => %(within)s) - app_now())::float8 AS left FROM failed_attempts
           WHERE who = %(who)s AND {within("at", "%(within)s")}
           ORDER BY at DESC OFFSET %(most)s - 1 LIMIT 1""",
        {"who": who, "most": most, "within": within_seconds},
    ).fetchone()
    return max(0.0, row["left"]) if row else 0.0
