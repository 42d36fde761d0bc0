"""A human task that is set aside is snoozed: its columns take the word of commands, API and pages."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
sql_files = "94fc95a39dcbe71605734d45393e94dc7c334844e64ae19400e0afbd93e864b3"


def upgrade() -> None:
    op.execute("ALTER TABLE human_tasks RENAME COLUMN follow_up_at TO snoozed_until")
    op.execute("ALTER TABLE human_tasks RENAME COLUMN parked_reason TO snooze_reason")


def downgrade() -> None:
    op.execute("ALTER TABLE human_tasks RENAME COLUMN snooze_reason TO parked_reason")
    op.execute("ALTER TABLE human_tasks RENAME COLUMN snoozed_until TO follow_up_at")
