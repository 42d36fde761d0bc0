"""Documents are found by their content: who else sent this file?"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Uploads wait while it is built; a million documents take about a second.
    op.execute("CREATE INDEX documents_content ON documents (sha256)")


def downgrade() -> None:
    op.execute("DROP INDEX documents_content")
