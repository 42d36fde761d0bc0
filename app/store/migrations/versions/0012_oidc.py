"""Who somebody is to the company's own sign-in: its issuer and their subject there, bound to one person for good."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN oidc_subject text UNIQUE")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN oidc_subject")
