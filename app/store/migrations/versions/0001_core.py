"""The core tables, the trace view, the approval trigger and the roles."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    for name in ("0001_core.sql", "0001_roles.sql"):
        # The driver's own cursor runs a whole file at once; SQLAlchemy would read `:` and `%` as parameters.
        op.get_bind().connection.cursor().execute((_HERE / name).read_text())


def downgrade() -> None:
    raise RuntimeError("there is nothing below the first version; drop the database instead")
