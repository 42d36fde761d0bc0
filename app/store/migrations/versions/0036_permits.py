"""Permits wait for no disk, and whoever waits for a place comes again when one may be free: `app/store/sql/downstreams.sql`."""

from __future__ import annotations

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
sql_files = "a1cd00034212a41d4cbe64c2c6528312b8b2f22b71e3f8a1c912e11d19d1ccf2"


def upgrade() -> None:
    """Every migrate applies the files of `app/store/sql`."""


def downgrade() -> None:
    """So does the migrate of the version before."""
