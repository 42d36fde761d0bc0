"""Alembic's environment: one connection handed over by `app.store.migrate`, which has begun the transaction and ends it."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
