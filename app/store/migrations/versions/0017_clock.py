"""The clock: what a downstream is held back for does not grow because the database's clock is set back."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.get_bind().connection.cursor().execute((_HERE / "0017_clock.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
