"""The people who may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.store import rows
from app.store.database import Connection

_USER = """username, display_name, roles, authority, password_hash IS NOT NULL AS has_password, oidc_subject, created_at,
    disabled_at"""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person's row. authority: as it was given last. oidc_subject: who they are to the company's sign-in."""

    username: str
    display_name: str
    roles: Sequence[str]
    authority: Decimal
    has_password: bool
    oidc_subject: str | None
    created_at: datetime
    disabled_at: datetime | None


def upsert(
    db: Connection, username: str, display_name: str, roles: Sequence[str], authority: Decimal, currency: str
) -> None:
    """Enrol a person, or change who they are and up to how much of a currency they may approve, whatever the coverage."""
    db.execute(
        """INSERT INTO users (username, display_name, roles, authority, created_at) VALUES (%s, %s, %s, %s, app_now())
           ON CONFLICT (username) DO UPDATE
           SET display_name = excluded.display_name, roles = excluded.roles, authority = excluded.authority""",
        [username, display_name, list(roles), authority],
    )
    db.execute(
        """INSERT INTO authorities (holder, currency, up_to) VALUES (%s, %s, %s)
           ON CONFLICT (holder, coverage, currency) DO UPDATE SET up_to = excluded.up_to""",
        [username, currency, authority],
    )


def find(db: Connection, username: str) -> User | None:
    """The person of this username."""
    row = db.execute(f"SELECT {_USER} FROM users WHERE username = %s", [username]).fetchone()
    return User(**row) if row else None


def everyone(db: Connection) -> list[User]:
    """Everybody, by username: also who is shut out."""
    return rows.every(db, User, f"SELECT {_USER} FROM users ORDER BY username")


def password_hash(db: Connection, username: str) -> str | None:
    """A person's password as it is kept; None if they have none, are disabled, or are not there."""
    row = db.execute(
        "SELECT password_hash FROM users WHERE username = %s AND disabled_at IS NULL", [username]
    ).fetchone()
    return row["password_hash"] if row else None


def set_password(db: Connection, username: str, password_hash: str | None) -> None:
    """Give a person a password, or take it away."""
    db.execute(
        "UPDATE users SET password_hash = %s, password_changed_at = app_now() WHERE username = %s",
        [password_hash, username],
    )


def by_oidc_subject(db: Connection, subject: str) -> User | None:
    """The person that the company's sign-in knows as `subject` (issuer and subject)."""
    row = db.execute(f"SELECT {_USER} FROM users WHERE oidc_subject = %s", [subject]).fetchone()
    return User(**row) if row else None


def set_oidc_subject(db: Connection, username: str, subject: str) -> None:
    """Bind a person to who they are to the company's sign-in."""
    db.execute("UPDATE users SET oidc_subject = %s WHERE username = %s", [subject, username])


def set_disabled(db: Connection, username: str, *, disabled: bool) -> None:
    """Shut a person out, or let them in again."""
    db.execute(
        "UPDATE users SET disabled_at = CASE WHEN %s THEN coalesce(disabled_at, app_now()) END WHERE username = %s",
        [disabled, username],
    )


def keep_change(
    db: Connection,
    username: str,
    by: str,
    change: str,
    roles: Sequence[str] | None = None,
    authority: Decimal | None = None,
) -> None:
    """Keep who changed what of a person. It is never changed afterwards."""
    db.execute(
        "INSERT INTO people_changes (username, changed_by, change, roles, authority, at) VALUES (%s, %s, %s, %s, %s, app_now())",
        [username, by, change, list(roles) if roles is not None else None, authority],
    )


def with_role(db: Connection, role: str) -> int:
    """How many people have a role and are not disabled."""
    row = db.execute(
        "SELECT count(*) AS n FROM users WHERE %s = ANY (roles) AND disabled_at IS NULL", [role]
    ).fetchone()
    return int(row["n"]) if row else 0
