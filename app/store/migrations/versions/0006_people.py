"""People, sessions, links, keys and tasks set aside; other names of a run; disputes that end."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    op.get_bind().connection.cursor().execute((_HERE / "0006_people.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
