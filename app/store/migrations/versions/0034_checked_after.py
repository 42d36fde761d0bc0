"""What guards updates of checkpoints looks after them: a trigger before an update locks each row first. Tables stay as they are."""

from __future__ import annotations

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
sql_files = "8cba8d249996cfd0d2047e198077b1293444b492d4113e2fe6a516321f010856"


def upgrade() -> None:
    """Nothing: the files of `app/store/sql` are applied by every migrate."""


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
