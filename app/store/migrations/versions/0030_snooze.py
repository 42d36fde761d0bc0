"""A human task that is set aside is snoozed: its columns take the word of commands, API and pages."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE human_tasks RENAME COLUMN follow_up_at TO snoozed_until")
    op.execute("ALTER TABLE human_tasks RENAME COLUMN parked_reason TO snooze_reason")


def downgrade() -> None:
    op.execute("ALTER TABLE human_tasks RENAME COLUMN snooze_reason TO parked_reason")
    op.execute("ALTER TABLE human_tasks RENAME COLUMN snoozed_until TO follow_up_at")
