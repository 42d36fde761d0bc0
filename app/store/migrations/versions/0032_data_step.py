"""A run's data stand once: in the checkpoint of the step that left them, which the run's row names.

Nothing is rewritten: what a run has in the old table stays there, and is read from there, until a step of it leaves new data.
Older code reads and writes the view that has the table's name.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
sql_files = "b6a639f8f58a84e318c35e03e8b234f96d152976f5f2b21160937a33025248c4"


def upgrade() -> None:
    op.execute("ALTER TABLE run_data RENAME TO corrected_data")
    op.execute("ALTER INDEX run_data_pkey RENAME TO corrected_data_pkey")
    op.execute("ALTER TABLE corrected_data RENAME CONSTRAINT run_data_run_id_fkey TO corrected_data_run_id_fkey")
    op.execute("ALTER TABLE runs ADD COLUMN data_step integer")


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
