"""What runs that stopped have in common stands on their triage tasks and alerts, so that lists show those alike as one."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_DUE = "(coalesce(due_at, 'infinity'::timestamptz))"


def upgrade() -> None:
    op.execute("ALTER TABLE human_tasks ADD COLUMN fingerprint text")
    op.execute("ALTER TABLE alerts ADD COLUMN fingerprint text")
    op.execute("DROP INDEX human_tasks_queue")
    op.execute(
        f"CREATE INDEX human_tasks_queue ON human_tasks ({_DUE}, id) WHERE status = 'OPEN' AND fingerprint IS NULL"
    )
    op.execute(
        f"CREATE INDEX human_tasks_alike ON human_tasks (fingerprint, {_DUE}, id) WHERE status = 'OPEN' AND fingerprint IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX human_tasks_tried ON human_tasks (fingerprint, id) WHERE status <> 'OPEN' AND fingerprint IS NOT NULL"
    )
    op.execute("CREATE INDEX alerts_single ON alerts (opened_at, id) WHERE resolved_at IS NULL AND fingerprint IS NULL")
    op.execute(
        "CREATE INDEX alerts_alike ON alerts (rule, fingerprint, opened_at, id) WHERE resolved_at IS NULL AND fingerprint IS NOT NULL"
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
