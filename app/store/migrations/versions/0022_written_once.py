"""What was recorded is written once, whoever logs in: results, transitions, signals, answers, and the ledger's endings."""

from __future__ import annotations

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes no table: what it made stands in `app/store/sql/written_once.sql`."""


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
