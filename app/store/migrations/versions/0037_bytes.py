"""Of a transition its worker, its salt and its payload's hash are stored as the bytes they are.

Nothing is rewritten: rows that are there keep their text. Older code reads and writes the view `transitions`.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
sql_files = "ca46e4ff48372d28a68669639ea3bc2dffec30abdb468ba9214bfa0a91f1a085"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE transition_rows ALTER COLUMN actor DROP NOT NULL, ADD COLUMN worker_id uuid, ADD COLUMN salt_bytes bytea, "
        "ADD COLUMN payload_sha256 bytea"
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup made before the upgrade instead")
