"""A request's key is taken before its work is done, and its answer written behind it."""

from __future__ import annotations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes no table: what it gave stands in `app/store/sql/grants.sql`."""


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
