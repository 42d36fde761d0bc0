"""Doubts answered "again": the calls a state has made go with it when it is entered anew."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.get_bind().connection.cursor().execute((_HERE / "0015_carried.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
