"""Children and forks are found by their subject too. Nothing that is ever updated stands in the index, so a step pays nothing."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX runs_other_subject ON runs (subject) WHERE parent_run_id IS NOT NULL OR forked_from IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX runs_other_subject")
