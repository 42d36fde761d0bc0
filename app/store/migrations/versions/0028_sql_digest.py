"""Whether the functions, triggers, views and policies stand as `app/store/sql` says: a digest of both, as they were last applied."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE schema_compatibility ADD COLUMN sql_digest text")


def downgrade() -> None:
    op.execute("ALTER TABLE schema_compatibility DROP COLUMN sql_digest")
