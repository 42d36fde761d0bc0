"""Permits wait for no disk, and whoever waits for a place comes again when one may be free: `app/store/sql/downstreams.sql`."""

from __future__ import annotations

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
sql_files = "5f29db6dc7c5473a9aa336c00c0f336170636382f286ca55437f8cc3d6cdd1b7"


def upgrade() -> None:
    """Every migrate applies the files of `app/store/sql`."""


def downgrade() -> None:
    """So does the migrate of the version before."""
