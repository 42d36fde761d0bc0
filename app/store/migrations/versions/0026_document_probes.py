"""Probe documents, by which hosts find out whether they share one store of documents."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE document_probes (sha256 text PRIMARY KEY, host text NOT NULL, written_at timestamptz NOT NULL)"
    )
    op.execute("ALTER TABLE workers ADD COLUMN cannot_read text[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    op.execute("ALTER TABLE workers DROP COLUMN cannot_read")
    op.execute("DROP TABLE document_probes")
