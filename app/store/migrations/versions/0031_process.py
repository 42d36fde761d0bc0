"""Which process a worker is, for others on its machine."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE workers ADD COLUMN process text")


def downgrade() -> None:
    op.execute("ALTER TABLE workers DROP COLUMN process")
