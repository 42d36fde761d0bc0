"""What runs may spend and what downstreams can bear: reservations, permits, rate and breaker."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.get_bind().connection.cursor().execute((_HERE / "0002_limits.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
