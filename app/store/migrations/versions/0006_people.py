"""People, sessions, links, keys and tasks set aside; other names of a run; disputes that end; a ledger without gaps."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_HERE = Path(__file__).parent.parent


def upgrade() -> None:
    for name in ("0006_people.sql", "0006_disputes.sql", "0006_ledger.sql"):
        op.get_bind().connection.cursor().execute((_HERE / name).read_text())


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
