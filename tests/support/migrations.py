"""Databases as older code left them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command

from app.store import migrate
from app.store.database import engine_url
from app.store.sql import apply


def until(url: str, revision: str) -> None:
    """The tables as they were at a revision, without anything that stands on them."""
    engine = sa.create_engine(engine_url(url), poolclass=sa.pool.NullPool)
    with engine.connect() as connection, connection.begin():
        apply.before_tables(connection)
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
