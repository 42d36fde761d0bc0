"""Doubts answered "again": the calls a state has made go with it when it is entered anew."""

from __future__ import annotations

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes no table: what it made stands in `app/store/sql/carried.sql`."""


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
