"""Bring a database to the newest version. Safe to run by any number of processes at once.

The law: a database is left as this code wants it, or untouched: the tables, the functions and triggers on them, and the
rights come in one transaction. One that newer code has migrated is never touched: it says itself which older code may
run on it (`schema_compatibility`), so that an image can be rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.declarations.roles import Roles
from app.core.errors import LonghaulError
from app.store.accounts import roles
from app.store.database import engine_url
from app.store.sql import apply

_LOCK = 7_070_000  # one migration at a time per database
_FOLDER = Path(__file__).parent / "migrations"
# The oldest version whose code works on the newest schema. A migration that older code cannot live with raises it.
OLDEST_CODE = "0030"
_WORKS_FROM = """
INSERT INTO schema_compatibility (oldest_code) VALUES (:code) ON CONFLICT (one) DO UPDATE SET oldest_code = excluded.oldest_code"""


class CannotMigrate(LonghaulError):
    """This code cannot bring the database to its version; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The version a database has, the version this code wants, and whether this code may run on it."""

    has: str | None
    wants: str
    works: bool

    def __str__(self) -> str:
        if self.has == self.wants:
            return f"version {self.has}"
        if self.works:
            return f"version {self.has}, newer than this code ({self.wants}), which may run on it"
        return f"version {self.has}, this code wants {self.wants}"


def upgrade(database_url: str, declared: Roles) -> Standing:
    """Apply every migration that is missing, the files of `app/store/sql` and what the roles may, under an advisory lock.

    Raises CannotMigrate.
    """
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as holder:
            holder.execute(sa.text("SELECT pg_advisory_lock(:k)"), {"k": _LOCK})
            holder.commit()
            with engine.connect() as connection:
                before = _standing(connection)
                if _known(before.has):
                    _apply(connection, declared)
                elif not before.works:
                    raise CannotMigrate(_too_new(connection, before))
                return _standing(connection)
    except (sa.exc.ProgrammingError, psycopg.errors.InsufficientPrivilege) as problem:
        said = problem.orig if isinstance(problem, sa.exc.ProgrammingError) else problem
        if not isinstance(said, psycopg.errors.InsufficientPrivilege):
            raise
        raise CannotMigrate(_not_allowed(said)) from problem
    finally:
        engine.dispose()


def standing(database_url: str) -> Standing:
    """Where a database stands."""
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        found = _standing(connection)
    engine.dispose()
    return found


def _apply(connection: sa.Connection, declared: Roles) -> None:
    config = _config()
    config.attributes["connection"] = connection
    with connection.begin():
        apply.before_tables(connection)
        command.upgrade(config, "head")
        connection.execute(sa.text(_WORKS_FROM), {"code": OLDEST_CODE})
        apply.after_tables(connection)
        roles.write(connection, declared)


def _standing(connection: sa.Connection) -> Standing:
    has = MigrationContext.configure(connection).get_current_revision()
    wants = ScriptDirectory.from_config(_config()).get_current_head()
    assert wants is not None
    oldest = _oldest_code(connection) if has is not None and has > wants else None
    connection.rollback()
    return Standing(has, wants, has == wants or (oldest is not None and oldest <= wants))


def _known(revision: str | None) -> bool:
    """Whether this code has a migration of that name; no version at all is where every database begins."""
    return revision is None or revision in {
        script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()
    }


def _oldest_code(connection: sa.Connection) -> str | None:
    """What a newer schema says of older code; None if it says nothing."""
    if connection.execute(sa.text("SELECT to_regclass('schema_compatibility') IS NULL")).scalar_one():
        return None
    return connection.execute(sa.text("SELECT oldest_code FROM schema_compatibility")).scalar_one_or_none()


def _too_new(connection: sa.Connection, found: Standing) -> str:
    oldest = _oldest_code(connection)
    needs = f"run code of version {oldest} or newer" if oldest else f"run the code that knows version {found.has}"
    return (
        f"the database is at version {found.has}, this code knows {found.wants} and is too old for it: "
        f"{needs}, or restore the backup made before the upgrade"
    )


def _not_allowed(problem: psycopg.Error) -> str:
    said = str(problem).strip().split("\n")[0]
    return (
        f"this login may not migrate: {said}. It must own our tables, and either create roles "
        "or be a member of longhaul_worker and longhaul_web that an administrator has made"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
