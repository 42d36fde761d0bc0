"""What each role may do, for the ledger to look up: it names no role of any trade. Every migrate writes the rows."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE role_rights (role text NOT NULL, may text NOT NULL, PRIMARY KEY (role, may))")


def downgrade() -> None:
    op.execute("DROP TABLE role_rights")
