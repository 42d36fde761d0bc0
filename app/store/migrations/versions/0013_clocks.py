"""How far the clock of each worker's host is off the database's, measured with every ping: messages expire by it."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE workers ADD COLUMN clock_ahead_seconds double precision")


def downgrade() -> None:
    op.execute("ALTER TABLE workers DROP COLUMN clock_ahead_seconds")
