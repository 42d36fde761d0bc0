"""A call may be a wait: a model that waits for a signal in the middle of its step."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('start', 'step', 'tool', 'model', 'local'{more})"


def upgrade() -> None:
    # Not checked against the rows there are: they satisfied the narrower one, and looking would lock out every writer.
    op.execute("ALTER TABLE checkpoints DROP CONSTRAINT checkpoints_kind_check")
    op.execute(
        f"ALTER TABLE checkpoints ADD CONSTRAINT checkpoints_kind_check CHECK ({_KINDS.format(more=', ' + repr('wait'))}) NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE checkpoints DROP CONSTRAINT checkpoints_kind_check")
    op.execute(
        f"ALTER TABLE checkpoints ADD CONSTRAINT checkpoints_kind_check CHECK ({_KINDS.format(more='')}) NOT VALID"
    )
