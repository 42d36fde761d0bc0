"""The core tables."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    # The driver's own cursor runs a whole file at once; SQLAlchemy would read `:` and `%` as parameters.
    op.get_bind().connection.cursor().execute((_HERE / "0001_core.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("there is nothing below the first version; drop the database instead")
