"""Which code may still run on this schema: what an older image asks before it gives up."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE schema_compatibility (one boolean PRIMARY KEY DEFAULT true CHECK (one), oldest_code text NOT NULL)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE schema_compatibility")
