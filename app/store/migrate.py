"""Bring a database to the newest version. Safe to run by any number of processes at once."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.store.database import engine_url

_LOCK = 7_070_000  # one migration at a time per database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(database_url: str) -> None:
    """Apply every migration that is missing, under an advisory lock."""
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.pool.NullPool)
    with engine.connect() as holder:
        holder.execute(sa.text("SELECT pg_advisory_lock(:k)"), {"k": _LOCK})
        holder.commit()
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    engine.dispose()


def versions(database_url: str) -> tuple[str | None, str | None]:
    """(the version the database has, the version this code wants)."""
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        has = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return has, ScriptDirectory.from_config(_config()).get_current_head()
