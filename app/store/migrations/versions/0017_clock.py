"""The clock: what a downstream is held back for does not grow because the database's clock is set back."""

from __future__ import annotations

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes no table: what it made stands in `app/store/sql/downstreams.sql`."""


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
