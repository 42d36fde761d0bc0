"""All tables of the product, declared as SQLAlchemy metadata: the schema to read. A file per subject, as the other rooms are named.

`metadata` holds them all. Migrations make the tables, and this package makes none: it says what they have become, and
`tests/store/test_tables.py` compares the two. Views, functions, triggers, policies and grants are SQL: `app/store/sql`.

Imported by the other rooms of `app.store` and by nobody else; itself it imports SQLAlchemy only.
"""

from app.store.tables import accounts, downstreams, human_tasks, journal, ledger, records, runs, workers
from app.store.tables.base import metadata

__all__ = ["accounts", "downstreams", "human_tasks", "journal", "ledger", "metadata", "records", "runs", "workers"]
