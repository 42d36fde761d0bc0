"""Forks: a run that begins where another one was, with the results that one had."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX runs_forks ON runs (forked_from) WHERE forked_from IS NOT NULL")


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
