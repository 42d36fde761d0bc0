"""Digests that follow from what a transition's row holds are no longer stored in it.

Nothing is rewritten: rows that are there keep theirs. Older code reads and writes the view that has the table's name.
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
sql_files = "b0deeb718e67489c8daf6d94e1e636aaeb7e2acac571fa91fdeebd64fe841908"


def upgrade() -> None:
    op.execute("ALTER TABLE transitions RENAME TO transition_rows")
    op.execute("ALTER INDEX transitions_pkey RENAME TO transition_rows_pkey")
    op.execute("ALTER INDEX transitions_created RENAME TO transition_rows_created")
    op.execute(
        "ALTER TABLE transition_rows ALTER COLUMN reason_digest DROP NOT NULL, ALTER COLUMN payload_digest DROP NOT NULL"
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
