"""What the overview is read from by time, and how often a stranger may send something."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.get_bind().connection.cursor().execute((_HERE / "0007_glance.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
