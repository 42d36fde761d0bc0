"""People and programs, and what lets them in. A secret is kept as its hash alone.

users: who may sign in, and in which roles they act.
role_rights: what each role may do, as it is declared; every migrate writes it, and nobody else.
people_changes: who enrolled somebody, changed their roles or authority, let them in or shut them out; never changed.
authorities: what a person or a role may approve, up to how much; without a row there is no authority.
sessions: browsers that are signed in.
sign_in_links: links that let a person in once.
failed_attempts: attempts to sign in that failed; what the throttle counts.
api_keys: keys of programs, which act in a person's name.
upload_links: the way in for a claimant, who has no account: one run, one purpose, until it expires or is revoked.
upload_rates: how often somebody without an account has sent something.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from app.store.tables.base import Moment, Texts, metadata

users = Table(
    "users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("email", Text),
    Column("roles", Texts, nullable=False),
    Column("authority", Numeric, nullable=False, server_default=text("0")),  # given last; `authorities` decide
    Column("password_hash", Text),
    Column("password_changed_at", Moment),
    Column("oidc_subject", Text, unique=True),  # issuer and subject at the company's own sign-in, bound for good
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
)

role_rights = Table(
    "role_rights",
    metadata,
    Column("role", Text, nullable=False),
    Column("may", Text, nullable=False),
    PrimaryKeyConstraint("role", "may"),
)

people_changes = Table(
    "people_changes",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("username", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("roles", Texts),
    Column("authority", Numeric),
    Column("at", Moment, nullable=False),
    Index("people_changes_at", "at"),
)

authorities = Table(
    "authorities",
    metadata,
    # A person's own limit goes before their role's.
    Column("holder", Text, nullable=False, comment="a username, or role:<role>"),
    Column("coverage", Text, nullable=False, server_default="*"),  # `*` stands for every other
    Column("currency", Text, nullable=False),
    Column("up_to", Numeric, CheckConstraint("up_to >= 0", name="authorities_up_to_check"), nullable=False),
    PrimaryKeyConstraint("holder", "coverage", "currency"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), nullable=False),
    Column("csrf", Text, nullable=False),  # the token that its forms carry
    Column(
        "let_in_by",
        Text,
        CheckConstraint("let_in_by IN ('password', 'link', 'oidc')", name="sessions_let_in_by_check"),
        nullable=False,
    ),
    Column("agent", Text, nullable=False, server_default=""),  # what the browser says it is
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("stepped_up_at", Moment),  # when the person last proved who they are; what signs off asks for a recent proof
    Column("expires_at", Moment, nullable=False),
    Index("sessions_username", "username"),
    Index("sessions_expires", "expires_at"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index("sign_in_links_expires", "expires_at"),
)

failed_attempts = Table(
    "failed_attempts",
    metadata,
    Column("who", Text, nullable=False),  # a username or an address
    Column("at", Moment, nullable=False),
    Index("failed_attempts_who", "who", "at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("username", Text, ForeignKey("users.username", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Texts, nullable=False),  # what it may be used for, as far as its person may do it
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("used_at", Moment),  # the last time, to the minute
    Column("revoked_at", Moment),
    Index("api_keys_username", "username"),
)

upload_links = Table(
    "upload_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("asks", Text, nullable=False),  # what the claimant is asked for, in words
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("revoked_by", Text),
    Column("uploads", Integer, nullable=False, server_default=text("0")),  # how often it was used
    Index("upload_links_run", "run_id"),
)

upload_rates = Table(
    "upload_rates",
    metadata,
    Column("who", Text, primary_key=True),  # a digest, of a link or of an address
    Column("since", Moment, nullable=False),
    Column("n", Integer, nullable=False),  # since then
    Index("upload_rates_since", "since"),
)
