"""The queue of human tasks in the order in which they fall due, and what each person holds."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX human_tasks_queue ON human_tasks ((coalesce(due_at, 'infinity'::timestamptz)), id) WHERE status = 'OPEN'"
    )
    op.execute(
        "CREATE INDEX human_tasks_held ON human_tasks (claimed_by) WHERE status = 'OPEN' AND claimed_by IS NOT NULL"
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
