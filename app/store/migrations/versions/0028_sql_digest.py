"""Whether the functions, triggers, views and policies stand as `app/store/sql` says: a digest of both, as they were last applied."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
# What the files of `app/store/sql` are from this version on: their digest, which a test compares.
sql_files = "a5c5ae5031778d6270a1cac7ed5c82406001f8034bf497fa47ae317faaf301a5"


def upgrade() -> None:
    op.execute("ALTER TABLE schema_compatibility ADD COLUMN sql_digest text")


def downgrade() -> None:
    op.execute("ALTER TABLE schema_compatibility DROP COLUMN sql_digest")
